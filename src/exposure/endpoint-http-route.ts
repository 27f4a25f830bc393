import type { Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { all, duration, forbidden, listOf, object, Problems, rule, wholeSeconds, type Shape } from '../validation';
import { isDnsLabel } from '../values';
import { expose, EXPOSURE_SHAPE, exposureObject, objectNameCheck, type ExposureProps } from './exposure';

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

const SHAPE: Shape<EndpointHttpRouteProps & { readonly tls?: never }> = {
  ...EXPOSURE_SHAPE,
  parentRefs: all(
    listOf(
      object<GatewayListener>(
        {
          name: objectNameCheck,
          namespace: rule(
            (value) => typeof value === 'string' && isDnsLabel(value),
            'must be the name of a namespace',
            'give a name of lower-case letters, digits and -',
          ),
          sectionName: objectNameCheck,
        },
        'name',
      ),
    ),
    rule(
      (value) => (value as unknown[]).length > 0,
      'no request would come',
      "name a listener, e.g. [{ name: 'gateway', namespace: 'gateways', sectionName: 'https' }]",
    ),
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
    checkListeners(given, props, problems);
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
  given: Partial<EndpointHttpRouteProps> | undefined,
  { parentRefs = [], allowPlainHttp = false }: Partial<EndpointHttpRouteProps>,
  problems: Problems,
): void {
  problems.when(given?.parentRefs === undefined, {
    prop: 'parentRefs',
    value: undefined,
    rule: 'no request would come',
    fix: "name a listener, e.g. [{ name: 'gateway', namespace: 'gateways', sectionName: 'https' }]",
  });
  for (const [index, { sectionName }] of parentRefs.entries()) {
    problems.when(sectionName === undefined && !allowPlainHttp, {
      prop: `parentRefs[${index}].sectionName`,
      value: undefined,
      rule: 'the route would hold for all listeners of the Gateway, and with one of plain HTTP credentials would pass in the clear',
      fix: "name the listener with HTTPS, e.g. `sectionName: 'https'`, or accept it with `allowPlainHttp: true`",
    });
  }
}
