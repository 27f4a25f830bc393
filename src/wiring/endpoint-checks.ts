import { all, instance, rule, type Check } from '../validation';
import type { Endpoint } from './endpoint';

function endpointCheck(kind: Endpoint['kind'], className: string, example: string): Check {
  return all(
    instance(className, 'connectFrom', example),
    rule((value) => (value as Endpoint).kind === kind, `must be a ${className}`, `write ${example}`),
  );
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
