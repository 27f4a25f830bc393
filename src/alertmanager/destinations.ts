import { Endpoint } from '../wiring';
import type { CheckedConfig } from './config-props';
import { integrationsOf, type Integration } from './receiver';

/** The field that says where an integration sends to, and the one of `global` that does where it does not. */
const ADDRESSES: Readonly<Record<string, readonly [own: string, ofGlobal?: string]>> = {
  email_configs: ['smarthost', 'smtp_smarthost'],
  incidentio_configs: ['url'],
  jira_configs: ['api_url', 'jira_api_url'],
  opsgenie_configs: ['api_url', 'opsgenie_api_url'],
  pagerduty_configs: ['url', 'pagerduty_url'],
  rocketchat_configs: ['api_url', 'rocketchat_api_url'],
  slack_configs: ['app_url', 'slack_app_url'],
  sns_configs: ['api_url'],
  telegram_configs: ['api_url', 'telegram_api_url'],
  victorops_configs: ['api_url', 'victorops_api_url'],
  webex_configs: ['api_url', 'webex_api_url'],
  webhook_configs: ['url'],
  wechat_configs: ['api_url', 'wechat_api_url'],
};

/** Where a config has its connections go. */
export interface Destinations {
  readonly endpoints: readonly Endpoint[];
  /** Whether some go to hosts that only a Secret or the integration itself knows, which are asked by HTTPS. */
  readonly anyHttps: boolean;
}

/** What a config tells about its connections. */
export function destinationsOf({ global = {}, receivers = [], tracing }: CheckedConfig): Destinations {
  const integrations = receivers.flatMap((receiver) =>
    integrationsOf(receiver).flatMap(([kind, list]) => list.map((integration) => [kind, integration] as const)),
  );
  const main = integrations.map(([kind, integration]) => endpointAt(mainAddress(kind, integration, global)));
  const clients = [global, ...integrations.map(([, integration]) => integration)].flatMap(clientAddresses);
  const others = [...clients, tracing?.endpoint].filter((address) => address !== undefined).map(endpointAt);
  const found = [...main, ...others];
  return { endpoints: found.filter((endpoint) => endpoint !== undefined), anyHttps: found.includes(undefined) };
}

function mainAddress(kind: string, integration: Integration, global: Integration): unknown {
  const [own, ofGlobal] = ADDRESSES[kind] ?? [];
  return (own === undefined ? undefined : integration[own]) ?? (ofGlobal === undefined ? undefined : global[ofGlobal]);
}

/** The proxy, and where tokens come from. */
function clientAddresses({ http_config: client }: Integration): unknown[] {
  const { proxy_url: proxy, oauth2 } = (client ?? {}) as {
    readonly proxy_url?: string;
    readonly oauth2?: { readonly token_url?: string; readonly proxy_url?: string };
  };
  return [proxy, oauth2?.proxy_url, oauth2?.token_url];
}

/** Nothing where a Secret or a template hides the address, or the integration has its own. */
function endpointAt(address: unknown): Endpoint | undefined {
  if (typeof address === 'object' && address !== null) return address as Endpoint;
  if (typeof address !== 'string' || address.includes('{{')) return undefined;
  if (address.includes('://')) return Endpoint.external(address);
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  return new Endpoint({ scheme: 'tcp', host, port: Number(port) });
}
