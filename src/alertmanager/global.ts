import type { Duration } from 'cdk8s';
import { all, rule, type Check } from '../validation';
import type { SecretRef } from '../values';
import { address, fields, flag, interval, secret, text, url } from './fields';
import { httpClient, tls, type HttpClientProps, type ReceiverTls } from './http-client';

/**
 * What holds for all receivers that do not say otherwise.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#file-layout-and-global-settings
 */
export interface GlobalAlertmanagerProps {
  /** After how long an alert is over that nobody sends any more and that has no end of its own. @default Duration.minutes(5) */
  readonly resolveTimeout?: Duration;
  /** How requests are sent. @default - without credentials */
  readonly httpConfig?: HttpClientProps;
  /** The sender of mails. @default - none */
  readonly smtpFrom?: string;
  /** What the client calls itself. @default localhost */
  readonly smtpHello?: string;
  /** The mail server, with its port. @default - none */
  readonly smtpSmarthost?: string;
  /** The user at the mail server. @default - none */
  readonly smtpAuthUsername?: string;
  /** For LOGIN and PLAIN. @default - none */
  readonly smtpAuthPassword?: SecretRef;
  /** For CRAM-MD5. @default - none */
  readonly smtpAuthSecret?: SecretRef;
  /** For PLAIN, where it differs from the user. @default - none */
  readonly smtpAuthIdentity?: string;
  /** Whether no mail is sent in the clear. @default true */
  readonly smtpRequireTls?: boolean;
  /** How the mail server is known, and this client to it. @default - the authorities of the system */
  readonly smtpTlsConfig?: ReceiverTls;
  /** Whether TLS begins at once. @default - on port 465 */
  readonly smtpForceImplicitTls?: boolean;
  /** The URL of an incoming webhook of Slack. @default - none */
  readonly slackApiUrl?: SecretRef;
  /** The token of an app of Slack. @default - none */
  readonly slackAppToken?: SecretRef;
  /** @default https://slack.com/api/chat.postMessage */
  readonly slackAppUrl?: string;
  /** @default https://events.pagerduty.com/v2/enqueue */
  readonly pagerdutyUrl?: string;
  /** @default https://api.opsgenie.com/ */
  readonly opsgenieApiUrl?: string;
  /** @default - none */
  readonly opsgenieApiKey?: SecretRef;
  /** @default https://qyapi.weixin.qq.com/cgi-bin/ */
  readonly wechatApiUrl?: string;
  /** @default - none */
  readonly wechatApiSecret?: SecretRef;
  /** The id of the organization. @default - none */
  readonly wechatApiCorpId?: string;
  /** @default https://alert.victorops.com/integrations/generic/20131114/alert/ */
  readonly victoropsApiUrl?: string;
  /** @default - none */
  readonly victoropsApiKey?: SecretRef;
  /** @default https://api.telegram.org */
  readonly telegramApiUrl?: string;
  /** @default - none */
  readonly telegramBotToken?: SecretRef;
  /** @default https://webexapis.com/v1/messages */
  readonly webexApiUrl?: string;
  /** @default https://open.rocket.chat/ */
  readonly rocketchatApiUrl?: string;
  /** @default - none */
  readonly rocketchatToken?: SecretRef;
  /** @default - none */
  readonly rocketchatTokenId?: SecretRef;
  /** @default - none */
  readonly mattermostWebhookUrl?: SecretRef;
  /** @default - none */
  readonly jiraApiUrl?: string;
}

const globalFields: Check = fields<GlobalAlertmanagerProps>({
  resolveTimeout: interval,
  httpConfig: httpClient,
  smtpFrom: text,
  smtpHello: text,
  smtpSmarthost: address,
  smtpAuthUsername: text,
  smtpAuthPassword: secret,
  smtpAuthSecret: secret,
  smtpAuthIdentity: text,
  smtpRequireTls: flag,
  smtpTlsConfig: tls,
  smtpForceImplicitTls: flag,
  slackApiUrl: secret,
  slackAppToken: secret,
  slackAppUrl: url,
  pagerdutyUrl: url,
  opsgenieApiUrl: url,
  opsgenieApiKey: secret,
  wechatApiUrl: url,
  wechatApiSecret: secret,
  wechatApiCorpId: text,
  victoropsApiUrl: url,
  victoropsApiKey: secret,
  telegramApiUrl: url,
  telegramBotToken: secret,
  webexApiUrl: url,
  rocketchatApiUrl: url,
  rocketchatToken: secret,
  rocketchatTokenId: secret,
  mattermostWebhookUrl: secret,
  jiraApiUrl: url,
});

export const globalCheck: Check = all(
  globalFields,
  rule(
    (value) => !('slack_api_url_file' in (value as object) && 'slack_app_token_file' in (value as object)),
    'Slack is reached by a webhook or by an app, not by both',
    'remove the URL of the webhook or the token of the app',
  ),
);
