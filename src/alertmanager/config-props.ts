import type { Duration } from 'cdk8s';
import { listOf, type Check } from '../validation';
import { address, choice, duration, fields, flag, fraction, texts } from './fields';
import { globalCheck, type GlobalAlertmanagerProps } from './global';
import { httpHeadersCheck, tls, type HttpHeaderProps, type ReceiverTls } from './http-client';
import { receiverCheck, type Integration, type Receiver, type ReceiverProps } from './receiver';
import { inhibitRuleCheck, routeCheck, type InhibitRuleProps, type Route, type RouteProps } from './route';
import { timeIntervalCheck, type TimeIntervalProps } from './time-interval';

/** Alertmanager's configuration, with the names of its documentation in camelCase and Secrets as `SecretRef`. */
export interface AlertmanagerConfigProps {
  /** What holds for all receivers. @default - nothing */
  readonly global?: GlobalAlertmanagerProps;
  /** Which alerts go where, and when. */
  readonly route: RouteProps;
  /** The places that routes name. */
  readonly receivers: readonly ReceiverProps[];
  /** Alerts that keep others from being sent. @default - none */
  readonly inhibitRules?: readonly InhibitRuleProps[];
  /** Times that routes name. @default - none */
  readonly timeIntervals?: readonly TimeIntervalProps[];
  /** Where Alertmanager sends traces of its own work. @default - nowhere */
  readonly tracing?: TracingProps;
}

/** How traces are sent, by OTLP. */
export interface TracingProps {
  /** How traces are sent. @default grpc */
  readonly clientType?: 'grpc' | 'http';
  /** A host with a port. */
  readonly endpoint: string;
  /** The part of all traces that is sent, from 0 to 1. @default 0 */
  readonly samplingFraction?: number;
  /** Whether it is sent without TLS. @default false */
  readonly insecure?: boolean;
  /** How the server is known, and this client to it. @default - the authorities of the system */
  readonly tlsConfig?: ReceiverTls;
  /** Headers of each request. @default - none */
  readonly headers?: Readonly<Record<string, HttpHeaderProps>>;
  /** @default - none */
  readonly compression?: 'gzip';
  /** How long a request may take. @default Duration.seconds(10) */
  readonly timeout?: Duration;
}

/** What only a file has. */
interface FileOnly {
  readonly templates?: readonly string[];
  readonly muteTimeIntervals?: never;
  readonly eventRecorder?: never;
}

/** What the file says, as far as it is right; Secrets and endpoints are not rendered yet. */
export interface CheckedConfig {
  readonly global?: Integration;
  readonly route?: Route;
  readonly receivers?: readonly Receiver[];
  readonly inhibit_rules?: readonly Integration[];
  readonly time_intervals?: readonly { readonly name?: string }[];
  readonly templates?: readonly string[];
  readonly tracing?: Integration;
}

function refused(rule: string, fix: string): Check {
  return (value, prop, problems) => {
    problems.add({ prop, value, rule, fix });
    return undefined;
  };
}

export const configCheck: Check = fields<AlertmanagerConfigProps & FileOnly>(
  {
    global: globalCheck,
    route: routeCheck,
    receivers: listOf(receiverCheck),
    inhibitRules: listOf(inhibitRuleCheck),
    timeIntervals: listOf(timeIntervalCheck),
    muteTimeIntervals: refused('Alertmanager is about to drop it', 'rename it to `time_intervals`'),
    templates: texts,
    tracing: fields<TracingProps>(
      {
        clientType: choice('grpc', 'http'),
        endpoint: address,
        samplingFraction: fraction,
        insecure: flag,
        tlsConfig: tls,
        headers: httpHeadersCheck,
        compression: choice('gzip'),
        timeout: duration,
      },
      'endpoint',
    ),
    eventRecorder: refused('it is an experiment of Alertmanager, which is not supported here', 'remove it'),
  },
  'route',
  'receivers',
);
