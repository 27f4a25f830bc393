import type { Duration } from 'cdk8s';
import { all, mapOf, namesSecretHeader, type Check } from '../validation';
import type { SecretRef } from '../values';
import { Endpoint } from '../wiring';
import { HTTP_NOTIFIER, type HttpNotifierProps, type NotifierProps } from './chat';
import {
  address,
  choice,
  fields,
  filled,
  flag,
  freeForm,
  goDurationCheck,
  noFile,
  orFile,
  secret,
  text,
  textMap,
  url,
  whole,
} from './fields';
import { authenticates, tls, type ReceiverTls } from './http-client';

/**
 * An HTTP request with the alerts as JSON.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
export interface WebhookProps extends HttpNotifierProps {
  /** An endpoint, also of the stack, whose credentials are sent along; a URL without secrets; or a secret URL. */
  readonly url: Endpoint | string | SecretRef;
  /** Of more alerts the rest is cut off. @default - no limit */
  readonly maxAlerts?: number;
  /** How long a request may take. @default - no limit of its own */
  readonly timeout?: Duration;
  /** Templates of what is sent instead. @default - the alerts, as the documentation says */
  readonly payload?: unknown;
}

const webhookUrl: Check = (value, prop, problems) => {
  if (!Endpoint.is(value)) return url(value, prop, problems);
  return url(value.url, prop, problems) && value;
};

export const webhook: Check = all(
  fields<WebhookProps>(
    { ...HTTP_NOTIFIER, url: orFile(webhookUrl), maxAlerts: whole, timeout: goDurationCheck, payload: freeForm },
    'url',
  ),
  (value, prop, problems) => {
    const { url: to, http_config: client = {} } = value as { readonly url?: Endpoint | string; http_config?: object };
    problems.when(typeof to === 'object' && to.credentials !== undefined && authenticates(client), {
      prop: `${prop}.httpConfig`,
      value: Object.keys(client),
      rule: 'the credentials of the endpoint are sent',
      fix: 'remove either those of `httpConfig` or those of the endpoint',
    });
    return value;
  },
);

/**
 * A mail. What is left out is that of `global`.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#email_config
 */
export interface EmailProps extends NotifierProps {
  /** Addresses, separated by commas. */
  readonly to: string;
  /** The sender. @default - that of `global` */
  readonly from?: string;
  /** What the client calls itself. @default - that of `global` */
  readonly hello?: string;
  /** The server, with its port: 465 for TLS from the start, 587 for STARTTLS. @default - that of `global` */
  readonly smarthost?: string;
  /** @default - that of `global` */
  readonly authUsername?: string;
  /** @default - that of `global` */
  readonly authPassword?: SecretRef;
  /** For CRAM-MD5. @default - that of `global` */
  readonly authSecret?: SecretRef;
  /** @default - that of `global` */
  readonly authIdentity?: string;
  /** Headers of the mail. @default - Subject, To and From */
  readonly headers?: Readonly<Record<string, string>>;
  /** The mail as HTML. @default - the alerts with their labels and annotations */
  readonly html?: string;
  /** The mail as plain text. @default - none */
  readonly text?: string;
  /** Whether nothing is sent in the clear. @default - that of `global` */
  readonly requireTls?: boolean;
  /** How the server is known, and this client to it. @default - that of `global` */
  readonly tlsConfig?: ReceiverTls;
  /** Whether TLS begins at once. @default - that of `global` */
  readonly forceImplicitTls?: boolean;
  /** Whether mails of one group are one thread. @default - they are not */
  readonly threading?: EmailThreadingProps;
}

/** How mails become threads. */
export interface EmailThreadingProps {
  /** Whether they do. @default false */
  readonly enabled?: boolean;
  /** Whether each day begins a thread. @default daily */
  readonly threadByDate?: 'none' | 'daily';
}

export const email: Check = fields<EmailProps>(
  {
    sendResolved: flag,
    to: filled,
    from: text,
    hello: text,
    smarthost: address,
    authUsername: text,
    authPassword: secret,
    authSecret: secret,
    authIdentity: text,
    headers: textMap(namesSecretHeader),
    html: text,
    text,
    requireTls: flag,
    tlsConfig: tls,
    forceImplicitTls: flag,
    threading: fields<EmailThreadingProps>({ enabled: flag, threadByDate: choice('none', 'daily') }),
  },
  'to',
);

/**
 * A message of Amazon SNS. One of topic, phone number and target is needed.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#sns_config
 */
export interface SnsProps extends HttpNotifierProps {
  /** Where requests are sent. @default - that of the region */
  readonly apiUrl?: string;
  /** How requests are signed. @default - by the identity of the pod */
  readonly sigv4?: Sigv4Props;
  /** @default - none */
  readonly topicArn?: string;
  /** @default - none */
  readonly phoneNumber?: string;
  /** @default - none */
  readonly targetArn?: string;
  /** The subject where the topic sends mails. @default - status, number and labels of the alerts */
  readonly subject?: string;
  /** @default - the alerts with their labels and annotations */
  readonly message?: string;
  /** Attributes of the message, for filters of subscriptions. @default - none */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Whether AWS' own client sends, which knows the variables of the pod. @default false */
  readonly useAwsHttpClient?: boolean;
}

/** How requests to AWS are signed. Keys come from the identity of the pod, or the variables of the container. */
export interface Sigv4Props {
  /** The region of AWS. @default - that of the pod */
  readonly region?: string;
  /** A profile of AWS' config file. @default - none */
  readonly profile?: string;
  /** The role that is taken. @default - none */
  readonly roleArn?: string;
  /** Tells the role on whose behalf it is taken. @default - none */
  readonly externalId?: string;
  /** @default false */
  readonly useFipsStsEndpoint?: boolean;
  /** The service that the signature is for. @default - that of SNS */
  readonly serviceName?: string;
  /** Keys never stand here. */
  readonly accessKey?: never;
  /** Keys never stand here. */
  readonly secretKey?: never;
}

const NO_KEY = noFile(
  'remove it: give the ServiceAccount of the pods a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY by `env` with a `secretKeyRef`',
);

export const sns: Check = fields<SnsProps>({
  ...HTTP_NOTIFIER,
  apiUrl: text,
  sigv4: fields<Sigv4Props>({
    region: text,
    profile: text,
    roleArn: text,
    externalId: text,
    useFipsStsEndpoint: flag,
    serviceName: text,
    accessKey: NO_KEY,
    secretKey: NO_KEY,
  }),
  topicArn: text,
  phoneNumber: text,
  targetArn: text,
  subject: text,
  message: text,
  attributes: mapOf(text),
  useAwsHttpClient: flag,
});
