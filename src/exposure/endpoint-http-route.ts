import type { Duration } from 'cdk8s';
import { Construct } from 'constructs';
import {
  all,
  checkRequired,
  duration,
  filledListOf,
  forbidden,
  milliseconds,
  object,
  Problems,
  rule,
  wholeSeconds,
  type Shape,
} from '../validation';
import { namespaceCheck, objectNameCheck } from '../values';
import { onlyStores } from '../victoria-metrics';
import type { ExposedEndpoint } from './exposed-endpoint';
import { expose, EXPOSURE_SHAPE, exposureObject, type ExposureProps } from './exposure';

/** Exposes endpoints by a HTTPRoute of the Gateway API. */
export interface EndpointHttpRouteProps extends ExposureProps {
  /** The listeners of Gateways that requests come by. TLS ends there. */
  readonly parentRefs: readonly GatewayListener[];
  /**
   * How long a request may take, up to 99,999 s: no shorter than the longest query. Not all Gateways know it.
   *
   * @default - that of the Gateway, often 15 s
   */
  readonly requestTimeout?: Duration;
}

/** A listener of a Gateway that lets routes of the namespace in: see `allowedRoutes` of the listener. */
export interface GatewayListener {
  /** The name of the Gateway. */
  readonly name: string;
  /** The namespace of the Gateway. @default - that of the chart */
  readonly namespace?: string;
  /** The name of the listener, one with HTTPS. @default - all of them, which is an error without `allowPlainHttp` */
  readonly sectionName?: string;
}

const GATEWAY_API = 'gateway.networking.k8s.io';

/** What the API server accepts as rules of one HTTPRoute. */
const MAX_RULES = 16;

/** The Gateway API writes durations with five digits. */
const MAX_TIMEOUT_SECONDS = 99_999;

const NO_LISTENER = {
  rule: 'no request would come',
  fix: "name a listener, e.g. [{ name: 'gateway', namespace: 'gateways', sectionName: 'https' }]",
};

const SHAPE: Shape<EndpointHttpRouteProps & { readonly tls?: never }> = {
  ...EXPOSURE_SHAPE,
  parentRefs: filledListOf(
    object<GatewayListener>(
      { name: objectNameCheck(), namespace: namespaceCheck, sectionName: objectNameCheck() },
      'name',
    ),
    NO_LISTENER.rule,
    NO_LISTENER.fix,
  ),
  requestTimeout: all(
    duration,
    rule(
      (value) => wholeSeconds(value as Duration) <= MAX_TIMEOUT_SECONDS,
      `is more than ${MAX_TIMEOUT_SECONDS} s, the most that the Gateway API can say`,
      'give a shorter Duration',
    ),
  ),
  tls: forbidden('TLS ends at the listener of the Gateway, which has the certificate', 'remove it'),
};

/**
 * A HTTPRoute of the Gateway API, version v1, for endpoints of the stack. TLS ends at the listener of the Gateway, which
 * has the certificate. Requests reach the pods by plain HTTP under the path that clients ask for.
 *
 * A route to another namespace would need a ReferenceGrant there, so that its chart has the namespace of the endpoints.
 */
export class EndpointHttpRoute extends Construct {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: EndpointHttpRouteProps) {
    super(scope, id);
    const problems = new Problems();
    const { props, paths } = expose(this, given, SHAPE, problems);
    const { parentRefs = [], requestTimeout } = props;
    checkRequired(given, 'parentRefs', problems, NO_LISTENER);
    checkListeners(props, problems);
    checkTimeout(requestTimeout, (props.endpoints ?? []) as readonly ExposedEndpoint[], problems);
    problems.when(paths.length > MAX_RULES, {
      prop: 'endpoints',
      value: paths.length,
      rule: `a HTTPRoute has at most ${MAX_RULES} rules, one for each path`,
      fix: 'share them out among several constructs, or expose a VmAuth with a route for each',
    });
    const object = {
      apiVersion: `${GATEWAY_API}/v1`,
      kind: 'HTTPRoute',
      // What the API server would fill in is said, so that a second apply finds no difference.
      spec: {
        parentRefs: parentRefs.map(({ name, namespace, sectionName }) => ({
          group: GATEWAY_API,
          kind: 'Gateway',
          name,
          namespace,
          sectionName,
        })),
        hostnames: [props.host],
        rules: paths.map(({ path, pathType, service, port }) => ({
          matches: [{ path: { type: pathType === 'Prefix' ? 'PathPrefix' : pathType, value: path } }],
          backendRefs: [{ group: '', kind: 'Service', name: service.name, port, weight: 1 }],
          timeouts: requestTimeout && { request: `${wholeSeconds(requestTimeout)}s` },
        })),
      },
    };
    exposureObject(this, props, object, problems);
  }
}

function checkListeners(
  { parentRefs = [], allowPlainHttp = false }: Partial<EndpointHttpRouteProps>,
  problems: Problems,
): void {
  for (const [index, { sectionName }] of parentRefs.entries()) {
    problems.when(sectionName === undefined && !allowPlainHttp, {
      prop: `parentRefs[${index}].sectionName`,
      value: undefined,
      rule: 'the route would hold for all listeners of the Gateway, and with one of plain HTTP credentials would pass in the clear',
      fix: "name the listener with HTTPS, e.g. `sectionName: 'https'`, or accept it with `allowPlainHttp: true`",
    });
  }
}

/** Of a path where data is stored nothing is queried. */
function checkTimeout(
  requestTimeout: Duration | undefined,
  endpoints: readonly ExposedEndpoint[],
  problems: Problems,
): void {
  for (const { endpoint, path = endpoint.path } of endpoints) {
    if (onlyStores(path)) continue;
    const { url, maxQueryDuration: longest } = endpoint;
    problems.when(!!requestTimeout && !!longest && milliseconds(requestTimeout) < milliseconds(longest), {
      prop: 'requestTimeout',
      value: requestTimeout,
      rule: `is shorter than the longest query by ${url}, ${longest?.toHumanString()}, which the Gateway would cut`,
      fix: 'give more time, or lower `queryLimits.maxQueryDuration` of the component',
    });
  }
}
