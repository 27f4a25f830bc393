export { Alertmanager } from './alertmanager';
export { AlertmanagerConfig } from './alertmanager-config';
export type { AlertmanagerConfigProps, TracingProps } from './config-props';
export type {
  DiscordProps,
  HttpNotifierProps,
  MattermostAttachmentProps,
  MattermostPriorityProps,
  MattermostProps,
  MsTeamsProps,
  MsTeamsV2Props,
  NotifierProps,
  RocketchatActionProps,
  RocketchatProps,
  SlackActionProps,
  SlackConfirmProps,
  SlackFieldProps,
  SlackProps,
  TelegramProps,
  WebexProps,
  WechatProps,
} from './chat';
export type { EmailProps, EmailThreadingProps, Sigv4Props, SnsProps, WebhookProps } from './delivery';
export type { GlobalAlertmanagerProps } from './global';
export type {
  AuthorizationProps,
  BasicAuthProps,
  HttpClientProps,
  HttpHeaderProps,
  OAuth2Props,
  ProxyProps,
  ReceiverTls,
} from './http-client';
export type {
  IncidentioProps,
  JiraProps,
  JiraTextProps,
  OpsgenieProps,
  OpsgenieResponderProps,
  PagerdutyImageProps,
  PagerdutyLinkProps,
  PagerdutyProps,
  PushoverProps,
  VictoropsProps,
} from './on-call';
export type { AlertmanagerProps } from './props';
export type { ReceiverIntegrations, ReceiverProps } from './receiver';
export type { InhibitRuleProps, RouteProps } from './route';
export type { SeverityProps } from './severity';
export type { DayTimeProps, TimeIntervalProps, TimesProps } from './time-interval';
