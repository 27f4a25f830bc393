import { listOf, mapOf, type Check } from '../validation';
import {
  discord,
  mattermost,
  msTeams,
  msTeamsV2,
  rocketchat,
  slack,
  telegram,
  webex,
  wechat,
  type DiscordProps,
  type MattermostProps,
  type MsTeamsProps,
  type MsTeamsV2Props,
  type RocketchatProps,
  type SlackProps,
  type TelegramProps,
  type WebexProps,
  type WechatProps,
} from './chat';
import type { ConfigProblems } from './config-problems';
import { email, sns, webhook, type EmailProps, type SnsProps, type WebhookProps } from './delivery';
import { fields, filled, text } from './fields';
import {
  incidentio,
  jira,
  opsgenie,
  pagerduty,
  pushover,
  victorops,
  type IncidentioProps,
  type JiraProps,
  type OpsgenieProps,
  type PagerdutyProps,
  type PushoverProps,
  type VictoropsProps,
} from './on-call';

/** Where notifications go: to all of these at once. Without any they go nowhere. */
export interface ReceiverIntegrations {
  /** @default - none */
  readonly discordConfigs?: readonly DiscordProps[];
  /** @default - none */
  readonly emailConfigs?: readonly EmailProps[];
  /** @default - none */
  readonly incidentioConfigs?: readonly IncidentioProps[];
  /** @default - none */
  readonly jiraConfigs?: readonly JiraProps[];
  /** @default - none */
  readonly mattermostConfigs?: readonly MattermostProps[];
  /** @default - none */
  readonly msteamsConfigs?: readonly MsTeamsProps[];
  /** @default - none */
  readonly msteamsv2Configs?: readonly MsTeamsV2Props[];
  /** @default - none */
  readonly opsgenieConfigs?: readonly OpsgenieProps[];
  /** @default - none */
  readonly pagerdutyConfigs?: readonly PagerdutyProps[];
  /** @default - none */
  readonly pushoverConfigs?: readonly PushoverProps[];
  /** @default - none */
  readonly rocketchatConfigs?: readonly RocketchatProps[];
  /** @default - none */
  readonly slackConfigs?: readonly SlackProps[];
  /** @default - none */
  readonly snsConfigs?: readonly SnsProps[];
  /** @default - none */
  readonly telegramConfigs?: readonly TelegramProps[];
  /** @default - none */
  readonly victoropsConfigs?: readonly VictoropsProps[];
  /** @default - none */
  readonly webexConfigs?: readonly WebexProps[];
  /** @default - none */
  readonly webhookConfigs?: readonly WebhookProps[];
  /** @default - none */
  readonly wechatConfigs?: readonly WechatProps[];
}

/** A place that routes name. */
export interface ReceiverProps extends ReceiverIntegrations {
  /** What routes name it by. */
  readonly name: string;
  /** Labels to find it by in the API. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
}

export const receiverCheck: Check = fields<ReceiverProps>(
  {
    name: filled,
    labels: mapOf(text),
    discordConfigs: listOf(discord),
    emailConfigs: listOf(email),
    incidentioConfigs: listOf(incidentio),
    jiraConfigs: listOf(jira),
    mattermostConfigs: listOf(mattermost),
    msteamsConfigs: listOf(msTeams),
    msteamsv2Configs: listOf(msTeamsV2),
    opsgenieConfigs: listOf(opsgenie),
    pagerdutyConfigs: listOf(pagerduty),
    pushoverConfigs: listOf(pushover),
    rocketchatConfigs: listOf(rocketchat),
    slackConfigs: listOf(slack),
    snsConfigs: listOf(sns),
    telegramConfigs: listOf(telegram),
    victoropsConfigs: listOf(victorops),
    webexConfigs: listOf(webex),
    webhookConfigs: listOf(webhook),
    wechatConfigs: listOf(wechat),
  },
  'name',
);

/** What an integration is made into: fields of Alertmanager's file, whose Secrets and endpoints are not rendered yet. */
export type Integration = Readonly<Record<string, unknown>>;

/** The same of a receiver; one without a name is reported. */
export type Receiver = Readonly<Record<string, unknown>> & { readonly name?: string };

/** Something that an integration does not work without. */
interface Need {
  /** One of these fields. */
  readonly oneOf: readonly string[];
  /** Or one of these of `global`. */
  readonly orGlobal?: readonly string[];
}

const AUTHORIZATION = 'http_config.authorization';

/** What is required, beyond the fields that an integration always has. */
const NEEDS: Readonly<Record<string, readonly Need[]>> = {
  email_configs: [
    { oneOf: ['smarthost'], orGlobal: ['smtp_smarthost'] },
    { oneOf: ['from'], orGlobal: ['smtp_from'] },
  ],
  incidentio_configs: [{ oneOf: ['alert_source_token_file', AUTHORIZATION] }],
  jira_configs: [{ oneOf: ['api_url'], orGlobal: ['jira_api_url'] }],
  mattermost_configs: [{ oneOf: ['webhook_url_file'], orGlobal: ['mattermost_webhook_url_file'] }],
  opsgenie_configs: [{ oneOf: ['api_key_file'], orGlobal: ['opsgenie_api_key_file'] }],
  pagerduty_configs: [{ oneOf: ['routing_key_file', 'service_key_file'] }],
  rocketchat_configs: [
    { oneOf: ['token_file'], orGlobal: ['rocketchat_token_file'] },
    { oneOf: ['token_id_file'], orGlobal: ['rocketchat_token_id_file'] },
  ],
  slack_configs: [
    { oneOf: ['api_url_file', 'app_token_file', 'api_url'], orGlobal: ['slack_api_url_file', 'slack_app_token_file'] },
  ],
  sns_configs: [{ oneOf: ['topic_arn', 'phone_number', 'target_arn'] }],
  telegram_configs: [{ oneOf: ['bot_token_file'], orGlobal: ['telegram_bot_token_file'] }],
  victorops_configs: [{ oneOf: ['api_key_file'], orGlobal: ['victorops_api_key_file'] }],
  webex_configs: [{ oneOf: [AUTHORIZATION] }],
  wechat_configs: [
    { oneOf: ['api_secret_file'], orGlobal: ['wechat_api_secret_file'] },
    { oneOf: ['corp_id'], orGlobal: ['wechat_api_corp_id'] },
  ],
};

/** Fields that exclude each other. */
const EXCLUSIVE: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  incidentio_configs: [['alert_source_token_file', AUTHORIZATION]],
  pushover_configs: [['html', 'monospace']],
  slack_configs: [
    ['api_url_file', 'app_token_file'],
    ['app_token_file', AUTHORIZATION],
  ],
};

/** The integrations of a receiver, by their fields, in the order of the file. */
export function integrationsOf(receiver: Receiver): readonly (readonly [string, readonly Integration[]])[] {
  return Object.entries(receiver).filter(
    (entry): entry is [string, Integration[]] => entry[0].endsWith('_configs') && Array.isArray(entry[1]),
  );
}

/** Reports integrations that lack what they need, or have what excludes each other. */
export function checkIntegrations(
  receiver: Receiver,
  prop: string,
  global: Integration,
  problems: ConfigProblems,
): void {
  // A secret is given by its file.
  const names = (list: readonly string[]): string =>
    list
      .filter((name) => !list.includes(`${name}_file`))
      .map((name) => `\`${problems.spell(name)}\``)
      .join(' or ');
  for (const [kind, integrations] of integrationsOf(receiver)) {
    for (const [index, integration] of integrations.entries()) {
      const path = `${prop}.${problems.spell(kind)}[${index}]`;
      for (const { oneOf, orGlobal = [] } of NEEDS[kind] ?? []) {
        problems.when(!oneOf.some((name) => has(integration, name)) && !orGlobal.some((name) => has(global, name)), {
          prop: path,
          value: undefined,
          rule: `does not work without ${names(oneOf)}${orGlobal.length > 0 ? `, and \`global\` has no ${names(orGlobal)}` : ''}`,
          fix: `set ${names(oneOf)}`,
        });
      }
      for (const [one, other] of EXCLUSIVE[kind] ?? []) {
        problems.when(has(integration, one) && has(integration, other), {
          prop: `${path}.${problems.spell(one)}`,
          value: '***',
          rule: `Alertmanager does not take it together with ${names([other])}`,
          fix: 'remove one of them',
        });
      }
    }
  }
}

function has(integration: Integration, path: string): boolean {
  const [name = '', ...rest] = path.split('.');
  const value = integration[name];
  if (rest.length === 0) return value !== undefined && value !== false;
  return typeof value === 'object' && value !== null && has(value as Integration, rest.join('.'));
}
