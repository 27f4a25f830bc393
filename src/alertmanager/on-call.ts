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

/** An incident of PagerDuty. One of the keys is needed. */
export interface PagerdutyProps extends HttpNotifierProps {
  /** The key of an integration with Events API v2. @default - `serviceKey` */
  readonly routingKey?: SecretRef;
  /** The key of an integration of the type Prometheus. @default - `routingKey` */
  readonly serviceKey?: SecretRef;
  /** @default - that of `global` */
  readonly url?: string;
  /** @default - see the documentation */
  readonly client?: string;
  /** @default - see the documentation */
  readonly clientUrl?: string;
  /** @default - see the documentation */
  readonly description?: string;
  /** @default - the labels and annotations of the alerts */
  readonly details?: Readonly<Record<string, unknown>>;
  /** @default - none */
  readonly images?: readonly PagerdutyImageProps[];
  /** @default - none */
  readonly links?: readonly PagerdutyLinkProps[];
  /** @default - the client */
  readonly source?: string;
  /** @default error */
  readonly severity?: string;
  /** @default - none */
  readonly class?: string;
  /** @default - none */
  readonly component?: string;
  /** @default - none */
  readonly group?: string;
  /** How long a request may take. @default - no limit of its own */
  readonly timeout?: Duration;
}

/** An image of an incident. */
export interface PagerdutyImageProps {
  readonly src: string;
  /** @default - none */
  readonly alt?: string;
  /** @default - none */
  readonly href?: string;
}

/** A link of an incident. */
export interface PagerdutyLinkProps {
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

/** An alert of Opsgenie. */
export interface OpsgenieProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiKey?: SecretRef;
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** @default - see the documentation */
  readonly message?: string;
  /** @default - see the documentation */
  readonly description?: string;
  /** @default - see the documentation */
  readonly source?: string;
  /** @default - the labels of the alerts */
  readonly details?: Readonly<Record<string, string>>;
  /** @default - none */
  readonly entity?: string;
  /** @default - none */
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

/** An incident of VictorOps, which is Splunk On-Call now. */
export interface VictoropsProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiKey?: SecretRef;
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** The team. */
  readonly routingKey: string;
  /** @default CRITICAL */
  readonly messageType?: string;
  /** @default - see the documentation */
  readonly stateMessage?: string;
  /** @default - see the documentation */
  readonly entityDisplayName?: string;
  /** @default - see the documentation */
  readonly monitoringTool?: string;
  /** @default - none */
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

/** A message of Pushover. */
export interface PushoverProps extends HttpNotifierProps {
  readonly userKey: SecretRef;
  readonly token: SecretRef;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
  readonly message?: string;
  /** @default - see the documentation */
  readonly url?: string;
  /** @default - none */
  readonly urlTitle?: string;
  /** @default - all */
  readonly device?: string;
  /** @default - that of the user */
  readonly sound?: string;
  /** @default - 2 when firing, else 0 */
  readonly priority?: string;
  /** How often an emergency is told. @default Duration.minutes(1) */
  readonly retry?: Duration;
  /** How long an emergency is told. @default Duration.hours(1) */
  readonly expire?: Duration;
  /** When the message is gone. @default - never */
  readonly ttl?: Duration;
  /** @default false */
  readonly html?: boolean;
  /** @default false */
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

/** An alert of incident.io. The token, or `httpConfig.authorization`, is needed. */
export interface IncidentioProps extends HttpNotifierProps {
  readonly url: string | SecretRef;
  /** @default - `httpConfig.authorization` */
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
  readonly template: string;
  /** Whether it is changed with the alert. @default true */
  readonly enableUpdate?: boolean;
}

/** An issue of Jira. */
export interface JiraProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** @default auto */
  readonly apiType?: 'auto' | 'cloud' | 'datacenter';
  readonly project: string;
  readonly issueType: string;
  /** @default - see the documentation */
  readonly summary?: string | JiraTextProps;
  /** @default - see the documentation */
  readonly description?: string | JiraTextProps;
  /** @default - none */
  readonly labels?: readonly string[];
  /** @default - see the documentation */
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
