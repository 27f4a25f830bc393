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
  /** @default - that of `global` */
  readonly httpConfig?: HttpClientProps;
}

export const HTTP_NOTIFIER = { sendResolved: flag, httpConfig: httpClient };

/** A message to Slack. */
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
  /** @default https://slack.com/api/chat.postMessage */
  readonly appUrl?: string;
  /** For example `#alerts`. @default - that of the webhook */
  readonly channel?: string;
  /** @default - see the documentation */
  readonly username?: string;
  /** @default - see the documentation */
  readonly color?: string;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
  readonly titleLink?: string;
  /** @default - see the documentation */
  readonly pretext?: string;
  /** @default - see the documentation */
  readonly text?: string;
  /** The text outside of the attachment. @default - none */
  readonly messageText?: string;
  /** @default - none */
  readonly fields?: readonly SlackFieldProps[];
  /** @default false */
  readonly shortFields?: boolean;
  /** @default - see the documentation */
  readonly footer?: string;
  /** @default - see the documentation */
  readonly fallback?: string;
  /** @default - see the documentation */
  readonly callbackId?: string;
  /** @default - see the documentation */
  readonly iconEmoji?: string;
  /** @default - see the documentation */
  readonly iconUrl?: string;
  /** @default - none */
  readonly imageUrl?: string;
  /** @default - none */
  readonly thumbUrl?: string;
  /** @default false */
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
  readonly title: string;
  readonly value: string;
  /** Whether it leaves room for another beside it. @default - `shortFields` */
  readonly short?: boolean;
}

/** A button: with a URL, or with a name. */
export interface SlackActionProps {
  readonly type: string;
  readonly text: string;
  /** @default - none */
  readonly url?: string;
  /** @default default */
  readonly style?: string;
  /** @default - none */
  readonly name?: string;
  /** @default - none */
  readonly value?: string;
  /** A question before it works. @default - none */
  readonly confirm?: SlackConfirmProps;
}

/** The question of a button. */
export interface SlackConfirmProps {
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

/** A message to Discord. */
export interface DiscordProps extends HttpNotifierProps {
  /** A secret. */
  readonly webhookUrl: SecretRef;
  /** @default - see the documentation */
  readonly content?: string;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
  readonly message?: string;
  /** @default - that of the webhook */
  readonly username?: string;
  /** @default - that of the webhook */
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

/** A message to Microsoft Teams by a connector, which Microsoft has given up: use `MsTeamsV2Props`. */
export interface MsTeamsProps extends HttpNotifierProps {
  /** A secret. */
  readonly webhookUrl: SecretRef;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
  readonly summary?: string;
  /** @default - see the documentation */
  readonly text?: string;
}

export const msTeams: Check = fields<MsTeamsProps>(
  { ...HTTP_NOTIFIER, webhookUrl: secret, title: text, summary: text, text },
  'webhookUrl',
);

/** A message to Microsoft Teams by a flow. */
export interface MsTeamsV2Props extends HttpNotifierProps {
  /** A secret. */
  readonly webhookUrl: SecretRef;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
  readonly text?: string;
}

export const msTeamsV2: Check = fields<MsTeamsV2Props>(
  { ...HTTP_NOTIFIER, webhookUrl: secret, title: text, text },
  'webhookUrl',
);

/** A part of a message to Mattermost. */
export interface MattermostAttachmentProps {
  /** @default - see the documentation */
  readonly fallback?: string;
  /** @default - see the documentation */
  readonly color?: string;
  /** @default - none */
  readonly pretext?: string;
  /** @default - see the documentation */
  readonly text?: string;
  /** @default - none */
  readonly authorName?: string;
  /** @default - none */
  readonly authorLink?: string;
  /** @default - none */
  readonly authorIcon?: string;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
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

/** A message to Mattermost. */
export interface MattermostProps extends HttpNotifierProps, MattermostAttachmentProps {
  /** A secret. @default - that of `global` */
  readonly webhookUrl?: SecretRef;
  /** @default - that of the webhook */
  readonly channel?: string;
  /** @default - see the documentation */
  readonly username?: string;
  /** @default - that of the webhook */
  readonly iconUrl?: string;
  /** @default - that of the webhook */
  readonly iconEmoji?: string;
  /** @default - one made of the fields above */
  readonly attachments?: readonly MattermostAttachmentProps[];
  /** @default - none */
  readonly type?: string;
  /** @default - none */
  readonly props?: { readonly card?: string };
  /** @default - none */
  readonly priority?: MattermostPriorityProps;
}

/** How urgent a message to Mattermost is. */
export interface MattermostPriorityProps {
  /** @default - none */
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

/** A message to Rocket.Chat. */
export interface RocketchatProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** @default - that of `global` */
  readonly tokenId?: SecretRef;
  /** @default - that of `global` */
  readonly token?: SecretRef;
  /** @default - that of the token */
  readonly channel?: string;
  /** @default - see the documentation */
  readonly color?: string;
  /** @default - see the documentation */
  readonly title?: string;
  /** @default - see the documentation */
  readonly titleLink?: string;
  /** @default - see the documentation */
  readonly text?: string;
  /** @default - none */
  readonly fields?: readonly SlackFieldProps[];
  /** @default false */
  readonly shortFields?: boolean;
  /** @default - see the documentation */
  readonly emoji?: string;
  /** @default - see the documentation */
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

/** A message to Telegram. */
export interface TelegramProps extends HttpNotifierProps {
  /** @default https://api.telegram.org */
  readonly apiUrl?: string;
  /** @default - that of `global` */
  readonly botToken?: SecretRef;
  readonly chatId: number | SecretRef;
  /** The topic. @default - none */
  readonly messageThreadId?: number;
  /** @default - see the documentation */
  readonly message?: string;
  /** Whether it comes without a sound. @default false */
  readonly disableNotifications?: boolean;
  /** @default HTML */
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

/** A message to Webex. */
export interface WebexProps extends NotifierProps {
  /** Its `authorization` is the token of the bot. */
  readonly httpConfig: HttpClientProps;
  /** @default https://webexapis.com/v1/messages */
  readonly apiUrl?: string;
  readonly roomId: string;
  /** @default - see the documentation */
  readonly message?: string;
}

export const webex: Check = fields<WebexProps>(
  { ...HTTP_NOTIFIER, apiUrl: url, roomId: filled, message: text },
  'roomId',
  'httpConfig',
);

/** A message to WeChat. */
export interface WechatProps extends HttpNotifierProps {
  /** @default - that of `global` */
  readonly apiSecret?: SecretRef;
  /** @default - that of `global` */
  readonly apiUrl?: string;
  /** @default - that of `global` */
  readonly corpId?: string;
  /** @default - see the documentation */
  readonly message?: string;
  /** @default text */
  readonly messageType?: 'text' | 'markdown';
  /** @default - see the documentation */
  readonly agentId?: string;
  /** @default - see the documentation */
  readonly toUser?: string;
  /** @default - see the documentation */
  readonly toParty?: string;
  /** @default - see the documentation */
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
