import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { LIBRARY, type FlagSet, type VminsertFlags, type VmstorageFlags } from '../flags';
import { anything, duration, mapOf, object, text, type Problems, type Shape } from '../validation';
import { secretRefCheck, type Image, type SecretRef } from '../values';
import {
  livenessProbe,
  readinessProbe,
  secretPath,
  Workload,
  WORKLOAD_SHAPE,
  type PortProps,
  type Probes,
  type WorkloadProps,
  type WorkloadSpec,
} from '../workload';

/** Basic auth of an HTTP listener. */
export interface HttpAuth {
  /** Stands in the args in the clear. */
  readonly username: string;
  /** Mounted as a file and read again when it changes. */
  readonly password: SecretRef;
}

/** What a user may say about any VictoriaMetrics process. @typeParam F the flags of its binary */
export interface ServerProps<F extends object> extends WorkloadProps {
  /**
   * Flags that no prop covers. A flag that the binary does not know, a flag that belongs to a prop, a deprecated flag
   * and a value of the wrong type are errors.
   *
   * @default - none
   */
  readonly extraFlags?: Partial<F>;
  /** Basic auth for all pages but `/health`. Endpoints carry it to whoever connects. @default - none */
  readonly httpAuth?: HttpAuth;
}

/** The values of flags are checked by their catalogue. */
export const SERVER_SHAPE: Shape<ServerProps<object>> = {
  ...WORKLOAD_SHAPE,
  extraFlags: mapOf(anything),
  httpAuth: object<HttpAuth>({ username: text(), password: secretRefCheck }, 'username', 'password'),
};

/** Keeps the process answering while load balancers learn that it is going, then lets it finish. */
export interface GracefulProps {
  /**
   * After SIGTERM the process reports itself as not ready for this long before it closes its listener.
   *
   * @default Duration.seconds(10)
   */
  readonly shutdownDelay?: Duration;
}

export const GRACEFUL_SHAPE: Shape<GracefulProps> = { shutdownDelay: duration };

/** Longer than it usually takes until every node has learnt that a pod is going. */
export const SHUTDOWN_DELAY = Duration.seconds(10);

/** How long VictoriaMetrics lets requests finish after its listener has closed: `-http.maxGracefulShutdownDuration`. */
export const FINISH_SECONDS = 7;

type GracefulFlags = Pick<VminsertFlags, 'http.shutdownDelay' | 'http.maxGracefulShutdownDuration'>;

/**
 * @param prefix where the user says it, e.g. `vminsert.`
 * @param longest the request that may finish, and where the user says that; without it `FINISH_SECONDS` hold
 */
export function setGracefulFlags(
  flags: FlagSet<GracefulFlags>,
  { shutdownDelay = SHUTDOWN_DELAY }: GracefulProps,
  prefix: string,
  longest?: { readonly duration: Duration; readonly prop: string },
): void {
  flags.set('http.shutdownDelay', shutdownDelay, `${prefix}shutdownDelay`);
  if (longest) {
    flags.set('http.maxGracefulShutdownDuration', longest.duration, longest.prop);
  } else {
    flags.refuse(
      ['http.maxGracefulShutdownDuration'],
      'the grace period of the pod is reckoned with its default',
      'remove it',
    );
  }
}

/** The flags of every VictoriaMetrics process that something else depends on. */
export type ServerFlags = Pick<
  VmstorageFlags,
  | 'httpListenAddr'
  | 'httpListenAddr.useProxyProtocol'
  | 'httpAuth.username'
  | 'httpAuth.password'
  | 'metricsAuthKey'
  | 'version'
  | 'envflag.enable'
  | 'http.pathPrefix'
  | 'tls'
  | 'tlsCertFile'
  | 'tlsKeyFile'
>;

export const HTTP_PORT_NAME = 'http';

/** What serves the pages about the process, where clients must not reach them. */
const INTERNAL_PORT_NAME = 'internal';

/** What is special about a VictoriaMetrics process. */
export interface ServerSpec<F extends ServerFlags> extends Omit<
  WorkloadSpec,
  'args' | 'ports' | 'metrics' | 'credentials' | 'probes'
> {
  readonly flags: FlagSet<F>;
  readonly httpPort: number;
  /** A port of its own for `/health`, `/metrics` and the other pages about the process. @default - the HTTP port */
  readonly internalPort?: number;
  readonly extraPorts?: readonly PortProps[];
  /** Whether a process that no longer accepts connections is restarted. */
  readonly liveness: boolean;
  readonly props: ServerProps<F>;
}

/** A process of VictoriaMetrics: one HTTP listener with `/health` and `/metrics`, and flags. */
export abstract class VictoriaMetricsServer<F extends ServerFlags> extends Workload {
  protected constructor(scope: Construct, id: string, spec: ServerSpec<F>) {
    const { flags, httpPort, internalPort, extraPorts = [], liveness, props, prefix } = spec;
    const internal =
      internalPort === undefined ? [] : [{ name: INTERNAL_PORT_NAME, port: internalPort, podsOnly: true }];
    const pagesPortName = internal[0]?.name ?? HTTP_PORT_NAME;
    setServerFlags(flags, httpPort, props.httpAuth, prefix);
    flags.addExtra(props.extraFlags, `${prefix}extraFlags`);
    super(scope, id, {
      ...spec,
      args: () => flags.render(secretPath),
      secrets: () => [...flags.secrets(), ...(spec.secrets?.() ?? [])],
      ports: [{ name: HTTP_PORT_NAME, port: httpPort, appProtocol: 'http' }, ...internal, ...extraPorts],
      metrics: [{ portName: pagesPortName }],
      credentials: props.httpAuth,
      probes: probes(liveness, pagesPortName),
    });
  }
}

function setServerFlags(
  flags: FlagSet<ServerFlags>,
  httpPort: number,
  httpAuth: HttpAuth | undefined,
  prefix: string,
): void {
  flags
    .set('httpListenAddr', `:${httpPort}`, LIBRARY)
    .set('httpAuth.username', httpAuth?.username, `${prefix}httpAuth.username`)
    .set('httpAuth.password', httpAuth?.password, `${prefix}httpAuth.password`)
    .refuse(
      ['tls', 'tlsCertFile', 'tlsKeyFile', 'http.pathPrefix', 'httpListenAddr.useProxyProtocol'],
      'the probe of the pod and everything that is wired to it speak plain HTTP from the root path',
      'remove it, and do it in front: in an Ingress, a Gateway or a service mesh',
    )
    .refuse(['metricsAuthKey'], 'whoever scrapes the process would not send it', `use \`${prefix}httpAuth\``)
    .refuse(['version'], 'the process would print its version and exit', 'remove it')
    .refuse(['envflag.enable'], 'flags from the environment escape every check', 'use `extraFlags` for each flag');
}

function probes(liveness: boolean, pagesPortName: string): Probes {
  return {
    readiness: readinessProbe({ httpGet: { path: '/health', port: pagesPortName } }),
    // A busy process may be slow to answer; only one that no longer accepts connections is beyond help.
    liveness: liveness ? livenessProbe({ tcpSocket: { port: HTTP_PORT_NAME } }) : undefined,
  };
}

/** What a user may say about any VictoriaMetrics component as a whole. */
export interface VersionProps {
  /**
   * The version, of a cluster that of all its components, e.g. `v1.150.0`. Flags are checked against the version that
   * this library was made for, whatever is given here; `image` wins.
   *
   * @default - the version that this library was made for
   */
  readonly version?: string;
}

/** As images are tagged, without the variant. */
export const VERSION_SHAPE: Shape<VersionProps> = {
  version: text(/^v\d+\.\d+\.\d+(-(?!cluster)[a-z0-9.]+)*$/, "a version like 'v1.150.0', without `-cluster`"),
};

/** The image of a component in the version that the user chose, if any. */
export function imageOfVersion(image: Image, version: string | undefined, problems: Problems, variant = ''): Image {
  if (version === undefined) return image;
  return problems.attempt(() => image.withTag(`${version}${variant}`)) ?? image;
}
