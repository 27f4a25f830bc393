import type { Duration } from 'cdk8s';
import { all, listOf, type Check } from '../validation';
import type { SecretRef } from '../values';
import { choice, fields, filled, flag, goDurationCheck, orFile, secret, text, texts, url, whole } from './fields';
import { httpClient, type HttpClientProps } from './http-client';

/** What all integrations have. Texts are templates of Alertmanager; what is left out is as its documentation says. */
export interface NotifierProps {
  /** Whether the end of an alert is told, too. @default - as the integration has it */
  readonly sendResolved?: boolean;
}

/** What all integrations have that send HTTP requests. */
export interface HttpNotifierProps extends NotifierProps {
  /** How requests are sent. @default - that of `global` */
  readonly httpConfig?: HttpClientProps;
}

export const HTTP_NOTIFIER = { sendResolved: flag, httpConfig: httpClient };

/**
 * A message to Slack.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#slack_config
 */
export interface SlackProps extends HttpNotifierProps {
  /**
   * The URL of an incoming webhook, which is a secret; or that of Slack's own API, with the token of a bot as
   * `httpConfig.authorization`.
   *
   * @default - that of `global`
   */
  readonly apiUrl?: SecretRef | 'https://slack.com/api/chat.postMessage';
  /** The token of an app, instead of a webhook. @default - that of `global` */
  readonly appToken?: SecretRef;
  /** Where requests of an app are sent. @default https://slack.com/api/chat.postMessage */
  readonly appUrl?: string;
  /** For example `#alerts`. @default - that of the webhook */
  readonly channel?: string;
  /** Who the message is from. @default Alertmanager */
  readonly username?: string;
  /**
   * The bar beside the attachment: good, warning, danger or a hex code.
   *
   * @default - danger while alerts fire, else good
   */
  readonly color?: string;
  /** @default - status, number and labels of the alerts */
  readonly title?: string;
  /** Where a click on the title leads. @default - the page of the alerts in Alertmanager */
  readonly titleLink?: string;
  /** Stands above the attachment. @default - none */
  readonly pretext?: string;
  /** The text of the attachment. @default - none */
  readonly text?: string;
  /** The text outside of the attachment. @default - none */
  readonly messageText?: string;
  /** Stand below the text, as a table. @default - none */
  readonly fields?: readonly SlackFieldProps[];
  /** Whether two fields share a line. @default false */
  readonly shortFields?: boolean;
  /** Stands below the attachment. @default - none */
  readonly footer?: string;
  /** For clients that do not show attachments. @default - the title and its link */
  readonly fallback?: string;
  /** What Slack tells the app of a click on a button. @default - none */
  readonly callbackId?: string;
  /** An emoji as picture of the sender. @default - none */
  readonly iconEmoji?: string;
  /** The picture of the sender. @default - none */
  readonly iconUrl?: string;
  /** A picture in the attachment. @default - none */
  readonly imageUrl?: string;
  /** A small picture in the attachment. @default - none */
  readonly thumbUrl?: string;
  /** Whether names of people and channels become links. @default false */
  readonly linkNames?: boolean;
  /** The parts that are formatted. @default - fallback, pretext, text */
  readonly mrkdwnIn?: readonly string[];
  /** Buttons. @default - none */
  readonly actions?: readonly SlackActionProps[];
  /** Whether a message is changed instead of sent again; only with `apiUrl` of Slack's own API. @default false */
  readonly updateMessage?: boolean;
  /** How long a request may take. @default - no limit of its own */
  readonly timeout?: Duration;
}

/** A field of a message. */
export interface SlackFieldProps {
  /** The title of the field. */
  readonly title: string;
  /** The text of the field. */
  readonly value: string;
  /** Whether it leaves room for another beside it. @default - `shortFields` */
  readonly short?: boolean;
}

/** A button: with a URL, or with a name. */
export interface SlackActionProps {
  /** The kind: `button`. */
  readonly type: string;
  /** What stands on it. */
  readonly text: string;
  /** Where a click leads. @default - none */
  readonly url?: string;
  /** The colour: default, primary or danger. @default default */
  readonly style?: string;
  /** What the app is told of a click. @default - none */
  readonly name?: string;
  /** What the app is told of a click, with the name. @default - none */
  readonly value?: string;
  /** A question before it works. @default - none */
  readonly confirm?: SlackConfirmProps;
}

/** The question of a button. */
export interface SlackConfirmProps {
  /** The question. */
  readonly text: string;
  /** @default - none */
  readonly title?: string;
  /** @default Okay */
  readonly okText?: string;
  /** @default Cancel */
  readonly dismissText?: string;
}

const confirm = fields<SlackConfirmProps>({ text: filled, title: text, okText: text, dismissText: text }, 'text');
const titled = fields<SlackFieldProps>({ title: filled, value: filled, short: flag }, 'title', 'value');

const SLACK_API = 'https://slack.com/api/chat.postMessage';

const slackFields: Check = fields<SlackProps>({
  ...HTTP_NOTIFIER,
  apiUrl: { known: [SLACK_API] },
  appToken: secret,
  appUrl: url,
  channel: text,
  username: text,
  color: text,
  title: text,
  titleLink: text,
  pretext: text,
  text,
  messageText: text,
  fields: listOf(titled),
  shortFields: flag,
  footer: text,
  fallback: text,
  callbackId: text,
  iconEmoji: text,
  iconUrl: text,
  imageUrl: text,
  thumbUrl: text,
  linkNames: flag,
  mrkdwnIn: texts,
  actions: listOf(
    fields<SlackActionProps>(
      { type: filled, text: filled, url: text, style: text, name: text, value: text, confirm },
      'type',
      'text',
    ),
  ),
  updateMessage: flag,
  timeout: goDurationCheck,
});

export const slack: Check = all(slackFields, (value, prop, problems) => {
  const { api_url: api, update_message: updates } = value as { readonly api_url?: string; update_message?: boolean };
  problems.when(updates === true && api !== SLACK_API, {
    prop,
    value: { updateMessage: true },
    rule: "only Slack's own API changes messages, and Alertmanager would crash with another URL",
    fix: `set the URL of the API to '${SLACK_API}' and give the token of the bot as authorization of the HTTP config`,
  });
  return value;
});

/**
 * A message to Discord.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#discord_config
 */
export interface DiscordProps extends HttpNotifierProps {
  /** A secret. */
  readonly webhookUrl: SecretRef;
  /** Stands above the message. @default - none */
  readonly content?: string;
  /** @default - status, number and labels of the alerts */
  readonly title?: string;
  /** @default - the alerts with their labels and annotations */
  readonly message?: string;
  /** Who the message is from. @default - that of the webhook */
  readonly username?: string;
  /** The picture of the sender. @default - that of the webhook */
  readonly avatarUrl?: string;
}

export const discord: Check = fields<DiscordProps>(
  {
    ...HTTP_NOTIFIER,
    webhookUrl: secret,
    content: text,
    title: text,
    message: text,
    username: text,
    avatarUrl: text,
  },
  'webhookUrl',
);

/**
 * A message to Microsoft Teams by a connector, which Microsoft has given up: use `MsTeamsV2Props`.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#msteams_config
 */
export interface MsTeamsProps extends HttpNotifierProps {
  /** A secret. */
  readonly webhookUrl: SecretRef;
  /** @default - status, number and labels of the alerts */
  readonly title?: string;
  /** @default - status, number and labels of the alerts */
  readonly summary?: string;
  /** @default - the alerts with their labels and annotations */
  readonly text?: string;
}

export const msTeams: Check = fields<MsTeamsProps>(
  { ...HTTP_NOTIFIER, webhookUrl: secret, title: text, summary: text, text },
  'webhookUrl',
);

/**
 * A message to Microsoft Teams by a flow.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#msteamsv2_config
 */
export interface MsTeamsV2Props extends HttpNotifierProps {
  /** A secret. */
  readonly webhookUrl: SecretRef;
  /** @default - status, number and labels of the alerts */
  readonly title?: string;
  /** @default - the alerts with their labels and annotations */
  readonly text?: string;
}

export const msTeamsV2: Check = fields<MsTeamsV2Props>(
  { ...HTTP_NOTIFIER, webhookUrl: secret, title: text, text },
  'webhookUrl',
);

/** A part of a message to Mattermost. */
export interface MattermostAttachmentProps {
  /** @default - the title and its link; in `attachments` none */
  readonly fallback?: string;
  /** @default - danger while alerts fire, else good; in `attachments` none */
  readonly color?: string;
  /** @default - none */
  readonly pretext?: string;
  /** @default - the alerts with their labels and annotations; in `attachments` none */
  readonly text?: string;
  /** @default - none */
  readonly authorName?: string;
  /** @default - none */
  readonly authorLink?: string;
  /** @default - none */
  readonly authorIcon?: string;
  /** @default - status, number and labels of the alerts; in `attachments` none */
  readonly title?: string;
  /** @default - the page of the alerts in Alertmanager; in `attachments` none */
  readonly titleLink?: string;
  /** @default - none */
  readonly fields?: readonly SlackFieldProps[];
  /** @default - none */
  readonly thumbUrl?: string;
  /** @default - none */
  readonly footer?: string;
  /** @default - none */
  readonly footerIcon?: string;
  /** @default - none */
  readonly imageUrl?: string;
}

/**
 * A message to Mattermost.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#mattermost_config
 */
export interface MattermostProps extends HttpNotifierProps, MattermostAttachmentProps {
  /** A secret. @default - that of `global` */
  readonly webhookUrl?: SecretRef;
  /** The channel by its name in URLs. @default - that of the webhook */
  readonly channel?: string;
  /** Who the message is from. @default Alertmanager */
  readonly username?: string;
  /** @default - that of the webhook */
  readonly iconUrl?: string;
  /** @default - that of the webhook */
  readonly iconEmoji?: string;
  /** Parts of the message. @default - one made of the fields above */
  readonly attachments?: readonly MattermostAttachmentProps[];
  /** The type of the post; those of your own begin with `custom_`. @default - none */
  readonly type?: string;
  /** Text at the side of the message. @default - none */
  readonly props?: { readonly card?: string };
  /** How urgent it is. @default - none */
  readonly priority?: MattermostPriorityProps;
}

/** How urgent a message to Mattermost is. */
export interface MattermostPriorityProps {
  /** standard, important or urgent. @default - none */
  readonly priority?: string;
  /** Whether readers are asked to confirm. @default false */
  readonly requestedAck?: boolean;
  /** Whether they are told again until they do. @default false */
  readonly persistentNotifications?: boolean;
}

const ATTACHMENT = {
  fallback: text,
  color: text,
  pretext: text,
  text,
  authorName: text,
  authorLink: text,
  authorIcon: text,
  title: text,
  titleLink: text,
  fields: listOf(titled),
  thumbUrl: text,
  footer: text,
  footerIcon: text,
  imageUrl: text,
};

export const mattermost: Check = fields<MattermostProps>({
  ...HTTP_NOTIFIER,
  ...ATTACHMENT,
  webhookUrl: secret,
  channel: text,
  username: text,
  iconUrl: text,
  iconEmoji: text,
  attachments: listOf(fields<MattermostAttachmentProps>(ATTACHMENT)),
  type: text,
  props: fields<NonNullable<MattermostProps['props']>>({ card: text }),
  priority: fields<MattermostPriorityProps>({ priority: text, requestedAck: flag, persistentNotifications: flag }),
});

/**
 * A message to Rocket.Chat.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#rocketchat_config
 */
export interface RocketchatProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** The id of the user. @default - that of `global` */
  readonly tokenId?: SecretRef;
  /** The token of the user. @default - that of `global` */
  readonly token?: SecretRef;
  /** @default - that of the token */
  readonly channel?: string;
  /** @default - red while alerts fire, else green */
  readonly color?: string;
  /** @default - status, number and labels of the alerts */
  readonly title?: string;
  /** @default - the page of the alerts in Alertmanager */
  readonly titleLink?: string;
  /** @default - none */
  readonly text?: string;
  /** @default - none */
  readonly fields?: readonly SlackFieldProps[];
  /** @default false */
  readonly shortFields?: boolean;
  /** An emoji as picture of the sender. @default - none */
  readonly emoji?: string;
  /** @default - none */
  readonly iconUrl?: string;
  /** @default - none */
  readonly imageUrl?: string;
  /** @default - none */
  readonly thumbUrl?: string;
  /** @default false */
  readonly linkNames?: boolean;
  /** Buttons. @default - none */
  readonly actions?: readonly RocketchatActionProps[];
}

/** A button; Alertmanager spells the names so. */
export interface RocketchatActionProps {
  /** @default - none */
  readonly type?: string;
  /** @default - none */
  readonly text?: string;
  /** @default - none */
  readonly url?: string;
  /** @default - none */
  readonly imageurl?: string;
  /** @default false */
  readonly iswebview?: boolean;
  /** @default - none */
  readonly webviewheightratio?: string;
  /** @default - none */
  readonly msg?: string;
  /** @default false */
  readonly msginchatwindow?: boolean;
  /** @default - none */
  readonly msgprocessingtype?: string;
}

export const rocketchat: Check = fields<RocketchatProps>({
  ...HTTP_NOTIFIER,
  apiUrl: url,
  tokenId: secret,
  token: secret,
  channel: text,
  color: text,
  title: text,
  titleLink: text,
  text,
  fields: listOf(titled),
  shortFields: flag,
  emoji: text,
  iconUrl: text,
  imageUrl: text,
  thumbUrl: text,
  linkNames: flag,
  actions: listOf(
    fields<RocketchatActionProps>({
      type: text,
      text,
      url: text,
      imageurl: text,
      iswebview: flag,
      webviewheightratio: text,
      msg: text,
      msginchatwindow: flag,
      msgprocessingtype: text,
    }),
  ),
});

/**
 * A message to Telegram.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#telegram_config
 */
export interface TelegramProps extends HttpNotifierProps {
  /** @default https://api.telegram.org */
  readonly apiUrl?: string;
  /** The token of the bot. @default - that of `global` */
  readonly botToken?: SecretRef;
  /** Where the message goes. */
  readonly chatId: number | SecretRef;
  /** The topic. @default - none */
  readonly messageThreadId?: number;
  /** @default - the alerts with their labels and annotations */
  readonly message?: string;
  /** Whether it comes without a sound. @default false */
  readonly disableNotifications?: boolean;
  /** How the message is marked up; empty for plain text. @default HTML */
  readonly parseMode?: 'HTML' | 'Markdown' | 'MarkdownV2' | '';
}

export const telegram: Check = fields<TelegramProps>(
  {
    ...HTTP_NOTIFIER,
    apiUrl: url,
    botToken: secret,
    chatId: orFile(whole),
    messageThreadId: whole,
    message: text,
    disableNotifications: flag,
    parseMode: choice('HTML', 'Markdown', 'MarkdownV2', ''),
  },
  'chatId',
);

/**
 * A message to Webex.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webex_config
 */
export interface WebexProps extends NotifierProps {
  /** Its `authorization` is the token of the bot. */
  readonly httpConfig: HttpClientProps;
  /** @default https://webexapis.com/v1/messages */
  readonly apiUrl?: string;
  /** Where the message goes. */
  readonly roomId: string;
  /** @default - the alerts with their labels and annotations */
  readonly message?: string;
}

export const webex: Check = fields<WebexProps>(
  { ...HTTP_NOTIFIER, apiUrl: url, roomId: filled, message: text },
  'roomId',
  'httpConfig',
);

/**
 * A message to WeChat.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#wechat_config
 */
export interface WechatProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiSecret?: SecretRef;
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** @default - that of `global` */
  readonly corpId?: string;
  /** @default - the alerts with their labels and annotations */
  readonly message?: string;
  /** @default text */
  readonly messageType?: 'text' | 'markdown';
  /** The id of the application. @default - none */
  readonly agentId?: string;
  /** Ids of users, with | between them. @default - none */
  readonly toUser?: string;
  /** Ids of departments, with | between them. @default - none */
  readonly toParty?: string;
  /** Ids of tags, with | between them. @default - none */
  readonly toTag?: string;
}

export const wechat: Check = fields<WechatProps>({
  ...HTTP_NOTIFIER,
  apiSecret: secret,
  apiUrl: url,
  corpId: text,
  message: text,
  messageType: choice('text', 'markdown'),
  agentId: text,
  toUser: text,
  toParty: text,
  toTag: text,
});
