import { all, object, type Check, type Problems, type Shape } from '../validation';
import { clientTlsCheck, type ClientTls } from './client';
import type { WriteEndpoint } from './endpoint';
import { writeEndpointCheck } from './endpoint-checks';

/** What every sender of Prometheus remote write must know of a target. */
export interface RemoteWriteTarget {
  readonly endpoint: WriteEndpoint;
  readonly tls?: ClientTls;
}

/** What is said about TLS of an endpoint without it is a mistake, and most senders would not tell. */
const tlsIsUsed: Check = (value, prop, problems) => {
  const { endpoint, tls } = value as RemoteWriteTarget;
  problems.when(tls !== undefined && !endpoint.url.startsWith('https:'), {
    prop: `${prop}.tls`,
    value: tls,
    rule: 'the endpoint is http, so that it would not be used',
    fix: 'remove it, or take an endpoint with https',
  });
  return value;
};

/**
 * Checks an endpoint, or one with more to say, and gives the latter.
 *
 * @param shape what else the sender takes for each target
 */
export function remoteWriteCheck<T extends RemoteWriteTarget>(shape: Shape<Omit<T, keyof RemoteWriteTarget>>): Check {
  const props = { endpoint: writeEndpointCheck, ...shape, tls: clientTlsCheck } as unknown as Shape<T>;
  const full = all(object(props, 'endpoint'), tlsIsUsed);
  return (value, prop, problems) => {
    const bare = typeof value !== 'object' || value === null || 'connectFrom' in value;
    if (!bare) return full(value, prop, problems);
    const endpoint = writeEndpointCheck(value, prop, problems);
    return endpoint && { endpoint };
  };
}

/** The same URL twice would be sent every sample twice. */
export function checkDistinctTargets(targets: readonly RemoteWriteTarget[], problems: Problems): void {
  const urls = targets.map(({ endpoint }) => endpoint.url);
  for (const [index, url] of urls.entries()) {
    problems.when(urls.indexOf(url) !== index, {
      prop: `remoteWrite[${index}]`,
      value: url,
      rule: 'the URL is that of another target, and would get every sample twice',
      fix: 'remove one of the two',
    });
  }
}
