import { ApiObject, Chart, type ApiObjectProps } from 'cdk8s';
import type { Construct } from 'constructs';
import {
  boolean,
  checkProps,
  checkRequired,
  filledListOf,
  listOf,
  rule,
  text,
  type Check,
  type Checked,
  type Problems,
  type Shape,
} from '../validation';
import { isDnsLabel, isDnsSubdomain } from '../values';
import { peerCheck, type Endpoint, type Peer } from '../wiring';
import {
  annotationsCheck,
  descriptiveLabels,
  labelsCheck,
  registerMaker,
  selectorLabels,
  StackDefaults,
} from '../workload';
import {
  distinctPaths,
  endpointOrExposedCheck,
  exposedPath,
  type ExposedEndpoint,
  type ExposedPath,
} from './exposed-endpoint';

/** What is exposed, to whom, and what of the risk is accepted. */
export interface ExposureProps {
  /** The name of the object. @default - the id of the construct */
  readonly name?: string;
  /** The DNS name that clients ask for; it may begin with `*.`. */
  readonly host: string;
  /**
   * What is exposed: endpoints of components, under the same path as within the cluster. `auth.read('user')` and
   * `auth.endpointOf('user')` of a VmAuth expose all that it passes on, of all its users.
   */
  readonly endpoints: readonly (Endpoint | ExposedEndpoint)[];
  /**
   * The pods or addresses that requests come from: those of the Ingress controller, or of the Gateway. The
   * NetworkPolicies of the endpoints let them in.
   *
   * @default - nobody is let in, which is an error unless `StackDefaults.networkPolicies` is false
   */
  readonly from?: Peer | readonly Peer[];
  /** Labels of the object. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** Most controllers are told what is special about them by annotations. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Accepts that requests and credentials pass in the clear. @default false */
  readonly allowPlainHttp?: boolean;
  /** Accepts that whoever reaches the host can store data. @default false */
  readonly allowUnauthenticatedWrites?: boolean;
  /** Accepts that whoever reaches the host can read all data of the endpoints. @default false */
  readonly allowUnauthenticatedReads?: boolean;
}

const onePeerCheck: Check = (value, prop, problems) =>
  typeof value === 'object' && value !== null && 'toNetworkPolicyPeerConfig' in value
    ? value
    : peerCheck(value, prop, problems);

const peersCheck: Check = (value, prop, problems) =>
  Array.isArray(value) ? listOf(onePeerCheck)(value, prop, problems) : onePeerCheck(value, prop, problems);

export const EXPOSURE_SHAPE: Shape<ExposureProps> = {
  name: text(),
  host: rule(
    (value) => typeof value === 'string' && isDnsSubdomain(value.replace(/^\*\./, '')),
    'must be a DNS name in lower case, without scheme, port and path',
    "write for example 'metrics.example.com'",
  ),
  endpoints: filledListOf(endpointOrExposedCheck, 'exposes nothing', "write for example [auth.endpointOf('user')]"),
  from: peersCheck,
  labels: labelsCheck,
  annotations: annotationsCheck,
  allowPlainHttp: boolean,
  allowUnauthenticatedWrites: boolean,
  allowUnauthenticatedReads: boolean,
};

/** What the checks make of the props: a bare endpoint has become an object. */
type CheckedExposureProps = Checked<Omit<ExposureProps, 'endpoints'>> & {
  readonly endpoints?: readonly ExposedEndpoint[];
};

/** Checks the props, lets the requests through the NetworkPolicies, and gives the paths that lead to Services. */
export function expose<T extends ExposureProps>(
  construct: Construct,
  given: T,
  shape: Shape<T>,
  problems: Problems,
): { readonly props: Checked<T>; readonly paths: readonly ExposedPath[] } {
  problems.reportAt(construct);
  const props = checkProps(given, shape, problems);
  const { endpoints = [], from, ...acceptance } = props as CheckedExposureProps;
  checkRequired<ExposureProps>(given, 'host', problems, {
    rule: 'nothing is exposed without it',
    fix: "set it, e.g. to 'metrics.example.com'",
  });
  checkRequired<ExposureProps>(given, 'endpoints', problems, {
    rule: 'nothing is exposed without it',
    fix: "set it, e.g. to [auth.endpointOf('user')]",
  });
  if (StackDefaults.of(construct).networkPolicies ?? true) {
    checkRequired<ExposureProps>(given, 'from', problems, {
      rule: 'the NetworkPolicies of the endpoints would refuse all requests',
      fix: "name who passes them on, e.g. `from: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }`",
    });
  }
  const { namespace } = Chart.of(construct);
  const paths = endpoints.flatMap((exposed, index) => {
    const path = exposedPath(exposed, `endpoints[${index}]`, namespace, acceptance, problems);
    if (!path) return [];
    for (const peer of peersOf(from)) exposed.endpoint.allowFrom(peer);
    return [path];
  });
  return { props, paths: distinctPaths(paths, problems) };
}

function peersOf(from: Peer | readonly Peer[] | undefined): readonly Peer[] {
  if (from === undefined) return [];
  return Array.isArray(from) ? (from as readonly Peer[]) : [from as Peer];
}

/** What is made of the props, besides its metadata. */
type ExposureObject = Pick<ApiObjectProps, 'apiVersion' | 'kind'> & { readonly spec: object };

/** Makes the object, with the labels that all objects of the stack have. */
export function exposureObject(
  construct: Construct,
  props: Checked<ExposureProps>,
  { kind, ...object }: ExposureObject,
  problems: Problems,
): void {
  const name = props.name ?? construct.node.id;
  problems.when(!isDnsLabel(name), {
    prop: 'name',
    value: name,
    rule: 'has at most 63 lower-case letters, digits and -, and begins and ends with a letter or digit',
    fix: 'give the construct a shorter or simpler id, or set its `name`',
  });
  const labels = {
    ...selectorLabels({ name: kind.toLowerCase(), instance: name, component: 'exposure' }),
    ...descriptiveLabels(),
    ...Chart.of(construct).labels,
    ...StackDefaults.of(construct).labels,
    ...props.labels,
  };
  new ApiObject(construct, 'Resource', {
    ...object,
    kind,
    metadata: { name, labels, annotations: props.annotations },
  });
  registerMaker(construct);
}
