import { all, object, rule, type Check, type Problems, type Shape } from '../validation';
import type { ClientTls } from './client';
import { Endpoint } from './endpoint';

function endpointCheck(kind: Endpoint['kind'], className: string, example: string): Check {
  return rule((value) => Endpoint.is(value) && value.kind === kind, `must be a ${className}`, `write ${example}`);
}

/** Checks where to query. */
export const readEndpointCheck = endpointCheck(
  'query',
  'ReadEndpoint',
  "cluster.read() or ReadEndpoint.external('https://...')",
);

/** Checks where to send Prometheus remote write. */
export const writeEndpointCheck = endpointCheck(
  'remote-write',
  'WriteEndpoint',
  "cluster.write() or WriteEndpoint.external('https://...')",
);

/** Checks an Alertmanager. */
export const notifyEndpointCheck = endpointCheck(
  'notify',
  'NotifyEndpoint',
  "alertmanager.notify() or NotifyEndpoint.external('https://...')",
);

/** An endpoint with what a client has to say about it. */
export interface EndpointWithProps {
  readonly endpoint: Endpoint;
  readonly tls?: ClientTls;
}

/** A target with what chooses and changes the samples that it gets. */
interface RelabeledTarget extends EndpointWithProps {
  readonly relabelConfigs?: readonly unknown[];
}

/**
 * Checks an endpoint, or one with more to say, and gives the latter.
 *
 * @param endpoint checks the endpoint
 * @param shape what else may be said
 */
export function endpointOrProps<T extends EndpointWithProps>(
  endpoint: Check,
  shape: Shape<Omit<T, 'endpoint'>>,
): Check {
  const full = all(object({ endpoint, ...shape } as unknown as Shape<T>, 'endpoint'), tlsIsUsed);
  return (value, prop, problems) => {
    if (typeof value === 'object' && value !== null && !Endpoint.is(value)) return full(value, prop, problems);
    const checked = endpoint(value, prop, problems);
    return checked && { endpoint: checked };
  };
}

/** What is said about TLS of an endpoint without it is a mistake, and most clients would not tell. */
const tlsIsUsed: Check = (value, prop, problems) => {
  const { endpoint, tls } = value as EndpointWithProps;
  problems.when(tls !== undefined && !endpoint.url.startsWith('https:'), {
    prop: `${prop}.tls`,
    value: tls,
    rule: 'the endpoint is http, so that it would not be used',
    fix: 'remove it, or take an endpoint with https',
  });
  return value;
};

/** Whether two endpoints lead to the same data: to the same pods and tenant, or, where these are not known, by the same URL. */
export function leadToSameData(a: Endpoint, b: Endpoint): boolean {
  if (a.storage && b.storage) return a.storage === b.storage && String(a.tenant) === String(b.tenant);
  return a.url === b.url;
}

/** The same storage twice would get every sample twice, unless relabeling shares the samples out. */
export function checkDistinctTargets(
  targets: readonly RelabeledTarget[],
  problems: Problems,
  prop = 'remoteWrite',
): void {
  for (const [index, { endpoint, relabelConfigs = [] }] of targets.entries()) {
    const first = targets
      .slice(0, index)
      .findIndex(
        (other) =>
          leadToSameData(other.endpoint, endpoint) &&
          (relabelConfigs.length === 0 || (other.relabelConfigs ?? []).length === 0),
      );
    problems.when(first !== -1, {
      prop: `${prop}[${index}]`,
      value: endpoint.url,
      rule: `leads to the same storage as ${prop}[${first}], which would get every sample twice`,
      fix: 'remove one of the two',
    });
  }
}
