import { dashboard, Panels } from '../../src';
import { program } from './program';
import { processRow } from './process';

const self = program('vmauth');
const { of, rate, growth, variables } = self;

/** Requests with credentials, and those that are let in without. */
const both = (metric: string): string =>
  `(sum(${rate(`vmauth_user_${metric}`)}) default 0) + (sum(${rate(`vmauth_unauthorized_user_${metric}`)}) default 0)`;

export const vmauth = dashboard({
  uid: 'vm-auth',
  title: 'vmauth',
  description: 'Who comes in, who is refused, and whether what is behind answers.',
  layer: 'component',
  tags: ['victoriametrics'],
  variables,
  rows: [
    {
      title: 'At a glance',
      panels: [
        Panels.stat({
          title: 'Requests',
          description:
            'Requests a second. Zero: nobody finds the way in, look at DNS, the Ingress and its certificate.',
          queries: [{ expr: both('requests_total') }],
          unit: 'reqps',
        }),
        Panels.stat({
          title: 'Failing',
          description:
            'The share of requests that fail. Backend errors says whether the storage is the reason; else see Refused.',
          queries: [{ expr: `(${both('request_errors_total')}) / (${both('requests_total')})` }],
          unit: 'percentunit',
          thresholds: { warning: 0.01, critical: 0.05 },
        }),
        Panels.stat({
          title: 'Wrong credentials',
          description:
            'Requests a second with a wrong password or token. After a rotation a client has the old one; without one, ' +
            'somebody guesses: the log has the addresses with -logInvalidAuthTokens.',
          queries: [{ expr: `sum(${rate('vmauth_http_request_errors_total', 'reason="invalid_auth_token"')})` }],
          unit: 'reqps',
          thresholds: { warning: 0.1 },
        }),
        Panels.stat({
          title: 'Requests at once',
          description:
            'How much of -maxConcurrentRequests is in use, of the busiest replica. At 100 % requests wait and are refused ' +
            'then: find the slow backend, or add replicas.',
          queries: [
            {
              expr: `max(${of('vmauth_concurrent_requests_current')} / ${of('vmauth_concurrent_requests_capacity')})`,
            },
          ],
          unit: 'percentunit',
          thresholds: { warning: 0.7, critical: 0.9 },
        }),
        Panels.stat({
          title: 'Refused by a limit',
          description:
            'Requests that were refused in the time that is shown, because too many were under way. Requests at once by ' +
            'user names who; raise the limit of that user, or have them ask less.',
          queries: [
            {
              expr:
                growth('vmauth_concurrent_requests_limit_reached_total') +
                ` + (${growth('vmauth_user_concurrent_requests_limit_reached_total')} default 0)` +
                ` + (${growth('vmauth_unauthorized_user_concurrent_requests_limit_reached_total')} default 0)`,
            },
          ],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
        Panels.stat({
          title: 'Replicas with an old config',
          description:
            'Replicas that could not read their last config and go on with the one before: new users are not let in. The ' +
            'log has the reason.',
          queries: [{ expr: `sum(1 - ${of('vmauth_config_last_reload_successful')})` }],
          unit: 'short',
          thresholds: { warning: 1 },
        }),
      ],
    },
    {
      title: 'Requests',
      panels: [
        Panels.timeSeries({
          title: 'Requests by user',
          description: 'Requests a second. A user who asks far more than before may need a limit of their own.',
          queries: [
            { expr: `sum by (username) (${rate('vmauth_user_requests_total')})`, legend: '{{username}}' },
            { expr: `sum(${rate('vmauth_unauthorized_user_requests_total')})`, legend: 'without credentials' },
          ],
          unit: 'reqps',
          min: 0,
          stack: true,
        }),
        Panels.timeSeries({
          title: 'Failing requests by user',
          description:
            'The share of requests that fail. One user: their queries, or a limit of theirs. All of them: what is behind.',
          queries: [
            {
              expr:
                `sum by (username) (${rate('vmauth_user_request_errors_total')}) / ` +
                `sum by (username) (${rate('vmauth_user_requests_total')})`,
              legend: '{{username}}',
            },
            {
              expr:
                `sum(${rate('vmauth_unauthorized_user_request_errors_total')}) / ` +
                `sum(${rate('vmauth_unauthorized_user_requests_total')})`,
              legend: 'without credentials',
            },
          ],
          unit: 'percentunit',
          min: 0,
          thresholds: { warning: 0.01, critical: 0.05 },
        }),
        Panels.timeSeries({
          title: 'Request duration by user, 99th percentile',
          description:
            'How long all but the slowest 1 % of requests take at most. It is the time of what is behind: look at the ' +
            'dashboard of the storage.',
          queries: [
            {
              expr: `max by (username) (${of('vmauth_user_request_duration_seconds', 'quantile="0.99"')})`,
              legend: '{{username}}',
            },
          ],
          unit: 's',
          min: 0,
          thresholds: { warning: 5, critical: 10 },
        }),
        Panels.timeSeries({
          title: 'Refused',
          description:
            'Requests a second that no backend saw, by reason. missing_route: the client asks for a path that its user may ' +
            'not; wrong credentials (invalid_auth_token); reject_slow_client: its body comes too slowly.',
          queries: [{ expr: `sum by (reason) (${rate('vmauth_http_request_errors_total')})`, legend: '{{reason}}' }],
          unit: 'reqps',
          min: 0,
        }),
        Panels.timeSeries({
          title: 'Backend errors',
          description:
            'Requests a second that a backend did not answer or answered with an error; most are tried at another one. ' +
            'Look at the pods of vmselect and vminsert, or of the single node.',
          queries: [
            {
              expr: `sum by (username) (${rate('vmauth_user_request_backend_errors_total')})`,
              legend: '{{username}}',
            },
            {
              expr: `sum(${rate('vmauth_unauthorized_user_request_backend_errors_total')})`,
              legend: 'without credentials',
            },
          ],
          unit: 'reqps',
          min: 0,
          thresholds: { warning: 0.05 },
        }),
        Panels.timeSeries({
          title: 'Requests at once by user',
          description:
            'How much of their limit each user has in use. At 100 % further requests wait, then get status 429.',
          queries: [
            {
              expr:
                `max by (username) (${of('vmauth_user_concurrent_requests_current')} / ` +
                `${of('vmauth_user_concurrent_requests_capacity')})`,
              legend: '{{username}}',
            },
            {
              expr:
                `max(${of('vmauth_unauthorized_user_concurrent_requests_current')} / ` +
                `${of('vmauth_unauthorized_user_concurrent_requests_capacity')})`,
              legend: 'without credentials',
            },
          ],
          unit: 'percentunit',
          min: 0,
          max: 1,
          thresholds: { warning: 0.7, critical: 0.9 },
        }),
      ],
    },
    processRow(self),
  ],
});
