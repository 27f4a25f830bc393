import { oneOf, rule, type Check, type Problems } from '../validation';
import { Endpoint, endpointOrProps, type ServicePort } from '../wiring';
import { checkAuthentication, type Acceptance } from './authentication';

/** An endpoint with what of it is exposed. */
export interface ExposedEndpoint {
  /** An endpoint of a component. */
  readonly endpoint: Endpoint;
  /** At or below the path of the endpoint: requests keep their path on the way. @default - the path of the endpoint */
  readonly path?: string;
  /**
   * Whether just this path is exposed, or all below it as well.
   *
   * @default - Exact for remote write, Prefix for all else: clients of other protocols add to the path
   */
  readonly pathType?: 'Exact' | 'Prefix';
}

/** A path that leads to a port of a Service. */
export interface ExposedPath {
  readonly path: string;
  readonly pathType: 'Exact' | 'Prefix';
  readonly service: ServicePort;
  /** The number of the port of the Service. */
  readonly port: number;
}

const endpointCheck: Check = rule(
  (value) => Endpoint.is(value),
  'must be an Endpoint',
  "write for example cluster.read() or auth.read('user')",
);

/** What Ingress and HTTPRoute both take as a path: no dot segments, no empty ones, no encoded slashes. */
const PATH = /^(?!.*(?:\/\/|%2[fF]|\/\.{1,2}(?:\/|$)))\/(?:[-\w/.~!$&'()*+,;=:@]|%[0-9a-fA-F]{2}){0,1023}$/;

/** An endpoint alone is exposed with its own path. */
export const endpointOrExposedCheck: Check = endpointOrProps<ExposedEndpoint>(endpointCheck, {
  path: rule(
    (value) => typeof value === 'string' && PATH.test(value),
    'must be a path that begins with /, without parameters, // and dots as parts',
    "write for example '/select/0/prometheus/api/v1/query'",
  ),
  pathType: oneOf('Exact', 'Prefix'),
});

/**
 * The path of an endpoint as an Ingress or a HTTPRoute can say it; nothing where it cannot be exposed.
 *
 * @param prop where the user says it
 * @param namespace that of the Ingress or HTTPRoute
 */
export function exposedPath(
  { endpoint, path: given, pathType: givenType }: ExposedEndpoint,
  prop: string,
  namespace: string | undefined,
  acceptance: Acceptance,
  problems: Problems,
): ExposedPath | undefined {
  const path = given ?? (endpoint.path || '/');
  const pathType = givenType ?? (endpoint.kind === 'remote-write' ? 'Exact' : 'Prefix');
  checkAuthentication(endpoint, { path, pathType }, prop, acceptance, problems);
  const { service } = endpoint;
  if (!service || !endpoint.isInternal) {
    problems.add({
      prop,
      value: endpoint.url,
      rule: 'has no Service of the stack before it that requests could be sent to',
      fix: 'expose an endpoint of a component, e.g. cluster.read()',
    });
    return undefined;
  }
  problems.when(!endpoint.url.startsWith('http:'), {
    prop,
    value: endpoint.url,
    rule: 'does not speak plain HTTP, which is all that is passed on',
    fix: "take another endpoint, or open its port with the component's `service: { type: 'LoadBalancer' }`",
  });
  problems.when(service.namespace !== namespace, {
    prop,
    value: endpoint.url,
    rule: `is in the namespace ${service.namespace ?? '(not set)'}, and requests are passed on within ${namespace ?? '(not set)'} only`,
    fix: 'make the construct in a chart of the same namespace',
  });
  problems.when(given !== undefined && !isAtOrBelow(given, endpoint.path), {
    prop: `${prop}.path`,
    value: given,
    rule: `is not below ${endpoint.path}, where the endpoint is: requests keep their path on the way`,
    fix: `write a path that begins with '${endpoint.path}', or take another endpoint`,
  });
  return { path, pathType, service, port: endpoint.port };
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The paths without repetition; of two at the same place just one would get the requests. */
export function distinctPaths(paths: readonly ExposedPath[], problems: Problems): ExposedPath[] {
  const known = new Map<string, ExposedPath>();
  for (const exposed of paths) {
    const { path, pathType, service } = exposed;
    const place = `${pathType} ${path}`;
    const other = known.get(place)?.service ?? service;
    problems.when(other.name !== service.name || other.portName !== service.portName, {
      prop: 'endpoints',
      value: path,
      rule: `leads to ${other.name} and to ${service.name}, and requests go to one of them`,
      fix: 'give one of them another host, in a construct of its own, or narrow it with `path`',
    });
    known.set(place, known.get(place) ?? exposed);
  }
  return [...known.values()];
}
