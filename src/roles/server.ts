import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { type FlagSet, type VmstorageFlags } from '../flags';
import { anything, duration, instance, object, text, type Problems, type Shape } from '../validation';
import type { Image, SecretRef } from '../values';
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
  readonly username: string;
  readonly password: SecretRef;
}

/** What a user may say about any VictoriaMetrics process. @typeParam F the flags of its binary */
export interface ServerProps<F extends object> extends WorkloadProps {
  /**
   * Flags that no prop covers. A flag that the binary does not know, a flag that a prop sets already, a deprecated
   * flag and a value of the wrong type are errors.
   *
   * @default - none
   */
  readonly extraFlags?: Partial<F>;
  /** Basic auth for all pages but `/health`. Endpoints carry it to whoever connects. @default - none */
  readonly httpAuth?: HttpAuth;
}

const SECRET_REF = instance('SecretRef', 'secretName', "SecretRef.of('name-of-the-secret', 'key')");

/** The flags are checked by their catalogue. */
export const SERVER_SHAPE: Shape<ServerProps<object>> = {
  ...WORKLOAD_SHAPE,
  extraFlags: anything,
  httpAuth: object<HttpAuth>({ username: text(), password: SECRET_REF }, 'username', 'password'),
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

/** The process must live at least until it has closed its listener. */
export function checkGraceful(
  { shutdownDelay = SHUTDOWN_DELAY, terminationGracePeriod }: GracefulProps & WorkloadProps,
  prefix: string,
  problems: Problems,
): void {
  const delay = shutdownDelay.toMilliseconds({ integral: false });
  const grace = terminationGracePeriod?.toMilliseconds({ integral: false });
  problems.when(grace !== undefined && grace <= delay, {
    prop: `${prefix}terminationGracePeriod`,
    value: terminationGracePeriod,
    rule: `the process still answers for ${delay} ms of it (${prefix}shutdownDelay) and would be killed before it has finished`,
    fix: `lengthen it, or shorten \`${prefix}shutdownDelay\``,
  });
}

/** Longer than it usually takes until every node has learnt that a pod is going. */
export const SHUTDOWN_DELAY = Duration.seconds(10);

/** The flags that all VictoriaMetrics processes have, as far as props set them. */
type ServerFlags = Pick<VmstorageFlags, 'httpListenAddr' | 'httpAuth.username' | 'httpAuth.password'>;

export const HTTP_PORT_NAME = 'http';

/** What is special about a VictoriaMetrics process. */
export interface ServerSpec<F extends object> extends Omit<
  WorkloadSpec,
  'args' | 'ports' | 'metricsPort' | 'credentials' | 'probes' | 'secrets'
> {
  readonly flags: FlagSet<F>;
  readonly httpPort: number;
  readonly extraPorts?: readonly PortProps[];
  /** Whether a process that no longer accepts connections is restarted. */
  readonly liveness: boolean;
  readonly props: ServerProps<F>;
}

/** A process of VictoriaMetrics: one HTTP listener with `/health` and `/metrics`, and flags. */
export abstract class VictoriaMetricsServer<F extends object> extends Workload {
  protected constructor(scope: Construct, id: string, spec: ServerSpec<F>) {
    const { flags, httpPort, extraPorts = [], liveness, props, prefix } = spec;
    setServerFlags(flags as unknown as FlagSet<ServerFlags>, httpPort, props.httpAuth, prefix);
    flags.addExtra(props.extraFlags, `${prefix}extraFlags`);
    super(scope, id, {
      ...spec,
      args: () => flags.render(secretPath),
      ports: [{ name: HTTP_PORT_NAME, port: httpPort, appProtocol: 'http' }, ...extraPorts],
      metricsPort: HTTP_PORT_NAME,
      credentials: props.httpAuth,
      probes: probes(liveness),
      secrets: flags.secrets(),
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
    .set('httpListenAddr', `:${httpPort}`, 'the component itself')
    .set('httpAuth.username', httpAuth?.username, `${prefix}httpAuth.username`)
    .set('httpAuth.password', httpAuth?.password, `${prefix}httpAuth.password`);
}

function probes(liveness: boolean): Probes {
  return {
    readiness: readinessProbe({ httpGet: { path: '/health', port: HTTP_PORT_NAME } }),
    // A busy process may be slow to answer; only one that no longer accepts connections is beyond help.
    liveness: liveness ? livenessProbe({ tcpSocket: { port: HTTP_PORT_NAME } }) : undefined,
  };
}

/** The image of a component in the version that the user chose for all of them. */
export function imageOfVersion(
  image: Image,
  version: string | undefined,
  problems: Problems,
  variant = '',
): Image | undefined {
  if (version === undefined) return undefined;
  return problems.attempt(() => image.withTag(version.endsWith(variant) ? version : `${version}${variant}`));
}
