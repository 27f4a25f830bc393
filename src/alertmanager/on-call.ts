import type { Duration } from 'cdk8s';
import { listOf, mapOf, rule, type Check } from '../validation';
import type { SecretRef } from '../values';
import { HTTP_NOTIFIER, type HttpNotifierProps } from './chat';
import {
  choice,
  duration,
  fields,
  filled,
  flag,
  freeForm,
  goDurationCheck,
  orFile,
  secret,
  text,
  textMap,
  texts,
  url,
  whole,
} from './fields';

/**
 * An incident of PagerDuty. One of the keys is needed.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#pagerduty_config
 */
export interface PagerdutyProps extends HttpNotifierProps {
  /** The key of an integration with Events API v2. @default - `serviceKey` */
  readonly routingKey?: SecretRef;
  /** The key of an integration of the type Prometheus. @default - `routingKey` */
  readonly serviceKey?: SecretRef;
  /** Where events are sent. @default - that of `global` */
  readonly url?: string;
  /** What the incident is from. @default Alertmanager */
  readonly client?: string;
  /** Where the incident links back to. @default - the page of the alerts in Alertmanager */
  readonly clientUrl?: string;
  /** What is wrong, in a line. @default - status, number and labels of the alerts */
  readonly description?: string;
  /** More about it, by name. @default - the labels and annotations of the alerts */
  readonly details?: Readonly<Record<string, unknown>>;
  /** @default - none */
  readonly images?: readonly PagerdutyImageProps[];
  /** @default - none */
  readonly links?: readonly PagerdutyLinkProps[];
  /** Where it was noticed. @default - the client */
  readonly source?: string;
  /** critical, error, warning or info. @default error */
  readonly severity?: string;
  /** The kind of the event. @default - none */
  readonly class?: string;
  /** The part that is broken. @default - none */
  readonly component?: string;
  /** What the part belongs to. @default - none */
  readonly group?: string;
  /** How long a request may take. @default - no limit of its own */
  readonly timeout?: Duration;
}

/** An image of an incident. */
export interface PagerdutyImageProps {
  /** The URL of the image. */
  readonly src: string;
  /** @default - none */
  readonly alt?: string;
  /** Where a click leads. @default - none */
  readonly href?: string;
}

/** A link of an incident. */
export interface PagerdutyLinkProps {
  /** Where it leads. */
  readonly href: string;
  /** @default - none */
  readonly text?: string;
}

export const pagerduty: Check = fields<PagerdutyProps>({
  ...HTTP_NOTIFIER,
  routingKey: secret,
  serviceKey: secret,
  url,
  client: text,
  clientUrl: text,
  description: text,
  details: mapOf(freeForm),
  images: listOf(fields<PagerdutyImageProps>({ src: filled, alt: text, href: text }, 'src')),
  links: listOf(fields<PagerdutyLinkProps>({ href: filled, text }, 'href')),
  source: text,
  severity: text,
  class: text,
  component: text,
  group: text,
  timeout: goDurationCheck,
});

/**
 * An alert of Opsgenie.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#opsgenie_config
 */
export interface OpsgenieProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiKey?: SecretRef;
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** What is wrong, in a line. @default - status, number and labels of the alerts */
  readonly message?: string;
  /** @default - the alerts with their labels and annotations */
  readonly description?: string;
  /** Where it was noticed. @default - the page of the alerts in Alertmanager */
  readonly source?: string;
  /** More about it, by name. @default - the labels of the alerts */
  readonly details?: Readonly<Record<string, string>>;
  /** What the alert is about. @default - none */
  readonly entity?: string;
  /** Who is told. @default - none */
  readonly responders?: readonly OpsgenieResponderProps[];
  /** Separated by commas. @default - none */
  readonly actions?: string;
  /** Separated by commas. @default - none */
  readonly tags?: string;
  /** @default - none */
  readonly note?: string;
  /** P1 to P5. @default - none */
  readonly priority?: string;
  /** Whether message and description are changed with the alert. @default false */
  readonly updateAlerts?: boolean;
}

/** Who is told. One of id, name and username is needed. */
export interface OpsgenieResponderProps {
  /** @default - none */
  readonly id?: string;
  /** @default - none */
  readonly name?: string;
  /** @default - none */
  readonly username?: string;
  /** team, teams, user, escalation or schedule, or a template of it. */
  readonly type: string;
}

const responder: Check = (value, prop, problems) => {
  const checked = fields<OpsgenieResponderProps>(
    {
      id: text,
      name: text,
      username: text,
      type: rule(
        (type) => /^(team|teams|user|escalation|schedule)$|\{\{/i.test(String(type)),
        'must be one of team, teams, user, escalation, schedule',
        'write one of them',
      ),
    },
    'type',
  )(value, prop, problems);
  return rule(
    (item) => item === undefined || ['id', 'name', 'username'].some((name) => name in (item as object)),
    'names nobody',
    'set `id`, `name` or `username`',
  )(checked, prop, problems);
};

export const opsgenie: Check = fields<OpsgenieProps>({
  ...HTTP_NOTIFIER,
  apiKey: secret,
  apiUrl: url,
  message: text,
  description: text,
  source: text,
  details: textMap(),
  entity: text,
  responders: listOf(responder),
  actions: text,
  tags: text,
  note: text,
  priority: text,
  updateAlerts: flag,
});

/**
 * An incident of VictorOps, which is Splunk On-Call now.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#victorops_config
 */
export interface VictoropsProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiKey?: SecretRef;
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** The team. */
  readonly routingKey: string;
  /** CRITICAL, WARNING or INFO. @default CRITICAL */
  readonly messageType?: string;
  /** More about it. @default - the alerts with their labels and annotations */
  readonly stateMessage?: string;
  /** What is wrong, in a line. @default - status, number and labels of the alerts */
  readonly entityDisplayName?: string;
  /** @default Alertmanager */
  readonly monitoringTool?: string;
  /** More about it, by name. @default - none */
  readonly customFields?: Readonly<Record<string, string>>;
}

export const victorops: Check = fields<VictoropsProps>(
  {
    ...HTTP_NOTIFIER,
    apiKey: secret,
    apiUrl: url,
    routingKey: filled,
    messageType: text,
    stateMessage: text,
    entityDisplayName: text,
    monitoringTool: text,
    customFields: textMap(),
  },
  'routingKey',
);

/**
 * A message of Pushover.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#pushover_config
 */
export interface PushoverProps extends HttpNotifierProps {
  /** The key of the user or group that is told. */
  readonly userKey: SecretRef;
  /** The token of the application. */
  readonly token: SecretRef;
  /** @default - status, number and labels of the alerts */
  readonly title?: string;
  /** @default - the alerts with their labels and annotations */
  readonly message?: string;
  /** A link below the message. @default - the page of the alerts in Alertmanager */
  readonly url?: string;
  /** @default - none */
  readonly urlTitle?: string;
  /** The name of the device that gets it. @default - all */
  readonly device?: string;
  /** @default - that of the user */
  readonly sound?: string;
  /** From -2 (silent) to 2 (until somebody confirms). @default - 2 when firing, else 0 */
  readonly priority?: string;
  /** How often an emergency is told. @default Duration.minutes(1) */
  readonly retry?: Duration;
  /** How long an emergency is told. @default Duration.hours(1) */
  readonly expire?: Duration;
  /** When the message is gone. @default - never */
  readonly ttl?: Duration;
  /** Whether the message is HTML. @default false */
  readonly html?: boolean;
  /** Whether all letters of the message have one width. @default false */
  readonly monospace?: boolean;
}

export const pushover: Check = fields<PushoverProps>(
  {
    ...HTTP_NOTIFIER,
    userKey: secret,
    token: secret,
    title: text,
    message: text,
    url: text,
    urlTitle: text,
    device: text,
    sound: text,
    priority: text,
    retry: goDurationCheck,
    expire: goDurationCheck,
    ttl: goDurationCheck,
    html: flag,
    monospace: flag,
  },
  'userKey',
  'token',
);

/**
 * An alert of incident.io. The token, or `httpConfig.authorization`, is needed.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#incidentio_config
 */
export interface IncidentioProps extends HttpNotifierProps {
  /** Where alerts are sent: that of the alert source. */
  readonly url: string | SecretRef;
  /** The token of the alert source. @default - `httpConfig.authorization` */
  readonly alertSourceToken?: SecretRef;
  /** Of more alerts the rest is cut off. @default - no limit */
  readonly maxAlerts?: number;
  /** How long a request may take. @default - no limit of its own */
  readonly timeout?: Duration;
}

export const incidentio: Check = fields<IncidentioProps>(
  { ...HTTP_NOTIFIER, url: orFile(url), alertSourceToken: secret, maxAlerts: whole, timeout: goDurationCheck },
  'url',
);

/** A text of an issue. */
export interface JiraTextProps {
  /** The text, a template. */
  readonly template: string;
  /** Whether it is changed with the alert. @default true */
  readonly enableUpdate?: boolean;
}

/**
 * An issue of Jira.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#jira_config
 */
export interface JiraProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** Which API the server has. @default auto */
  readonly apiType?: 'auto' | 'cloud' | 'datacenter';
  /** The key of the project. */
  readonly project: string;
  /** The type of the issue, e.g. `Bug`. */
  readonly issueType: string;
  /** @default - status, number and labels of the alerts */
  readonly summary?: string | JiraTextProps;
  /** @default - the alerts with their labels and annotations */
  readonly description?: string | JiraTextProps;
  /** Labels of the issue. @default - none */
  readonly labels?: readonly string[];
  /** @default - by the label `severity`: High for critical, Medium for warning, Low for info */
  readonly priority?: string;
  /** How a closed issue is opened again. @default - it is not */
  readonly reopenTransition?: string;
  /** How an issue is closed at the end of the alert. @default - it is not */
  readonly resolveTransition?: string;
  /** With this resolution an issue is not opened again. @default - none */
  readonly wontFixResolution?: string;
  /** How long after its end an issue is opened again, instead of a new one made. @default - always */
  readonly reopenDuration?: Duration;
  /** More fields of the issue. @default - none */
  readonly fields?: Readonly<Record<string, unknown>>;
}

const jiraText: Check = (value, prop, problems) =>
  typeof value === 'string'
    ? text(value, prop, problems)
    : fields<JiraTextProps>({ template: text, enableUpdate: flag }, 'template')(value, prop, problems);

export const jira: Check = fields<JiraProps>(
  {
    ...HTTP_NOTIFIER,
    apiUrl: url,
    apiType: choice('auto', 'cloud', 'datacenter'),
    project: filled,
    issueType: filled,
    summary: jiraText,
    description: jiraText,
    labels: texts,
    priority: text,
    reopenTransition: text,
    resolveTransition: text,
    wontFixResolution: text,
    reopenDuration: duration,
    fields: mapOf(freeForm),
  },
  'project',
  'issueType',
);
