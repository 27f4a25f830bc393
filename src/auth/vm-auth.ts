import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { FlagSet, LIBRARY, vmauthFlags, type FlagCatalogue } from '../flags';
import {
  DEFAULT_MAX_QUERY_DURATION,
  HTTP_PORT_NAME,
  HttpIngestEndpoints,
  imageOfVersion,
  setGracefulFlags,
  SHUTDOWN_DELAY,
  VictoriaMetricsServer,
} from '../victoria-metrics';
import { checkProps, InvalidValueError, milliseconds, Problems, wholeSeconds, type Checked } from '../validation';
import { Cpu, IMAGES, VICTORIA_METRICS_VERSION } from '../values';
import { ReadEndpoint, type Endpoint, type EndpointProps, type WriteEndpoint } from '../wiring';
import {
  fitOneConfigMap,
  instanceName,
  scaling,
  secretPath,
  StackDefaults,
  tooLargeFor,
  type Files,
} from '../workload';
import { accesses, type Access } from './access';
import { configFile } from './config-file';
import { QUERY_PATH } from './paths';
import { VM_AUTH_SHAPE, type EnterpriseVmauthFlags, type VmAuthProps } from './props';
import type { Route } from './route';
import { secretVariables } from './secrets';

const INTERNAL_PORT = 8426;
const CONFIG_FOLDER = '/etc/vmauth';
const CONFIG_FILE = 'auth.yml';

const CATALOGUE: FlagCatalogue<EnterpriseVmauthFlags> = {
  ...vmauthFlags,
  types: { ...vmauthFlags.types, licenseFile: 'string' },
};

/**
 * vmauth: a Deployment without state that lets users in and spreads their requests over the pods behind it. Clients ask
 * for `/api/v1/query` and `/api/v1/write`, whatever the tenant: that comes from the routes of the user.
 *
 * The running pods read a change of users and routes within about two minutes; other Secrets roll the pods. The pages
 * about the process itself, with its metrics, are on a port of their own, which users do not reach.
 *
 * Unless told otherwise a pod requests 50m CPU and 100Mi memory, is limited to 300Mi memory and not in CPU, has 5 s
 * beyond `shutdownDelay` and the longest request to end, and readiness and liveness probes.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/vmauth/
 */
export class VmAuth extends VictoriaMetricsServer<EnterpriseVmauthFlags> {
  private readonly accesses: readonly Access[];
  /** Users that were given and are wrong, which the synth tells. */
  private readonly refused: readonly (string | undefined)[];

  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: VmAuthProps = {}) {
    const problems = new Problems();
    const props = checkProps(given, VM_AUTH_SHAPE, problems);
    const { shutdownDelay = SHUTDOWN_DELAY, enterpriseLicense } = props;
    const instance = instanceName(props.name, id, '-vmauth', problems);
    const letIn = accesses(props, problems);
    const finish = finishTime(props, letIn, problems);
    const flags = vmauthFlagSet(props, finish, problems);
    const ending = wholeSeconds(shutdownDelay) + wholeSeconds(finish);
    const version = enterpriseLicense ? (props.version ?? VICTORIA_METRICS_VERSION) : props.version;
    super(scope, id, {
      controller: { kind: 'Deployment', ...scaling(props, '', problems) },
      name: `${instance}-vmauth`,
      identity: { name: 'vmauth', instance, component: 'auth' },
      image: imageOfVersion(IMAGES.vmauth, version, problems, enterpriseLicense ? '-enterprise' : ''),
      flags,
      secrets: () => (enterpriseLicense ? [enterpriseLicense] : []),
      httpPort: 8427,
      internalPort: INTERNAL_PORT,
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would throttle bursts.
      resources: {
        cpu: { request: Cpu.millis(50) },
        memory: { request: Size.mebibytes(100), limit: Size.mebibytes(300) },
      },
      liveness: true,
      gracePeriod: { standard: Duration.seconds(ending + 5), least: Duration.seconds(ending) },
      props,
      prefix: '',
      problems,
    });
    this.accesses = letIn;
    const names = [...Object.keys(given.users ?? {}), ...(given.unauthorized ? [undefined] : [])];
    const accepted = new Set(letIn.map(({ name }) => name));
    this.refused = names.filter((name) => !accepted.has(name));
    problems.when(names.length === 0, {
      prop: 'users',
      value: given.users,
      rule: 'nobody would be let in',
      fix: "set `users: { name: { password: SecretRef.of('name-of-the-secret', 'key'), routes: [...] } }`, or `unauthorized`",
    });
    for (const { targets } of this.accesses.flatMap(({ routes }) => routes)) {
      for (const target of targets) target.connectFrom(this);
    }
    this.addEnv(...secretVariables(this.accesses.flatMap(({ secrets }) => secrets)));
    this.addConfigFiles('config', CONFIG_FOLDER, this.configFiles(), { reloaded: true });
  }

  /**
   * Where a user sends Prometheus remote write, with the credentials of the user. The tenant is that of the route.
   * Exposed by an Ingress or a HTTPRoute it opens its path to all users.
   *
   * @param user everybody when left out, which wants `unauthorized`
   * @throws InvalidValueError when there is no such user, or no route of the user takes `/api/v1/write`.
   */
  public write(user?: string): WriteEndpoint {
    return this.ingest(user).remoteWrite;
  }

  /**
   * Where a user sends data by any protocol over HTTP, with the credentials of the user. The tenant is that of the route.
   * Exposed by an Ingress or a HTTPRoute each opens its path to all users.
   *
   * An endpoint that no route of the user takes all requests for throws InvalidValueError when it is asked for.
   *
   * @param user everybody when left out, which wants `unauthorized`
   * @throws InvalidValueError when there is no such user.
   */
  public ingest(user?: string): HttpIngestEndpoints {
    this.accessOf(user);
    const props = (_port: string, { path = '' }: Partial<EndpointProps>): EndpointProps =>
      // Agents of Datadog add to the path.
      this.behind(user, path === '/datadog' ? `${path}/api/v2/series` : path, { path, writes: true });
    return new HttpIngestEndpoints(props, {});
  }

  /**
   * Where a user queries, with the credentials of the user. The tenant is that of the route. Exposed by an Ingress or a
   * HTTPRoute it opens all of vmauth, since queries have many paths: each user can ask for what is open to them from
   * there. To open less expose it with a `path`, or give those users a VmAuth of their own.
   *
   * @param user everybody when left out, which wants `unauthorized`
   * @throws InvalidValueError when there is no such user, or no route of the user takes `/api/v1/query`.
   */
  public read(user?: string): ReadEndpoint {
    return new ReadEndpoint(this.behind(user, QUERY_PATH, {}));
  }

  /**
   * All that is open to a user, with the credentials of the user.
   *
   * @param user everybody when left out, which wants `unauthorized`
   * @throws InvalidValueError when there is no such user.
   */
  public endpointOf(user?: string): Endpoint {
    const access = this.accessOf(user);
    return this.endpoint(HTTP_PORT_NAME, this.authorized(access, { maxQueryDuration: longestQuery(access?.routes) }));
  }

  private configFiles(): Files {
    const config = configFile(this.accesses);
    const { serverSideApply = false } = StackDefaults.of(this);
    if (fitOneConfigMap({ [CONFIG_FILE]: config }, serverSideApply)) return { [CONFIG_FILE]: config };
    this.problems.add({
      prop: 'users',
      value: `${this.accesses.length} with ${Buffer.byteLength(config)} bytes`,
      ...tooLargeFor('do', 'share them out over several VmAuths', serverSideApply),
    });
    return {};
  }

  private behind(user: string | undefined, path: string, props: Partial<EndpointProps>): EndpointProps {
    const access = this.accessOf(user);
    const route = access?.routeOf(path);
    if (access && !route) {
      throw new InvalidValueError({
        prop: 'user',
        value: user,
        rule: `no route of ${user ?? 'unauthorized'} takes all requests for ${path}`,
        fix: `add one to \`${user === undefined ? 'unauthorized' : `users['${user}']`}.routes\`, e.g. ${props.writes ? 'cluster.write()' : 'cluster.read()'}`,
      });
    }
    const [first, ...others] = route?.targets ?? [];
    const { dedupInterval: interval, storage } = first ?? {};
    const same = others.every(
      ({ dedupInterval: other }) => other && interval && milliseconds(other) === milliseconds(interval),
    );
    return this.endpointProps(
      HTTP_PORT_NAME,
      this.authorized(access, {
        ...props,
        tenant: first?.tenant,
        storage: others.every((other) => other.storage === storage) ? storage : undefined,
        dedupInterval: same ? interval : undefined,
        maxQueryDuration: longestQuery(route ? [route] : []),
      }),
    );
  }

  private authorized(access: Access | undefined, props: Partial<EndpointProps>): Partial<EndpointProps> {
    const everybody = this.accesses.find(({ name }) => name === undefined);
    // Behind the one port there is what is open to everybody as well; at a path for writing just what writes.
    const open = props.writes ? everybody?.writes : everybody !== undefined;
    const writes = props.writes ?? [access, everybody].some((somebody) => somebody?.writes);
    return {
      ...props,
      credentials: access?.credentials,
      writes,
      authenticated: (access === undefined || access !== everybody) && !open,
      writesAuthenticated: everybody ? !everybody.writes : undefined,
    };
  }

  private accessOf(user: string | undefined): Access | undefined {
    const access = this.accesses.find(({ name }) => name === user);
    if (access || this.refused.includes(user)) return access;
    const known = this.accesses.flatMap(({ name }) => (name === undefined ? [] : [`'${name}'`]));
    throw new InvalidValueError({
      prop: 'user',
      value: user,
      rule:
        user === undefined ? '`unauthorized` is not set, so that everybody must be a user' : 'there is no such user',
      fix: known.length > 0 ? `use one of ${known.join(', ')}` : 'add it to `users`',
    });
  }
}

/** How long requests that are running when a pod is told to go have to finish. */
function finishTime(
  { maxRequestDuration }: Checked<VmAuthProps>,
  letIn: readonly Access[],
  problems: Problems,
): Duration {
  const longest = longestQuery(letIn.flatMap(({ routes }) => routes));
  const seconds = longest ? wholeSeconds(longest) : 0;
  problems.when(maxRequestDuration !== undefined && wholeSeconds(maxRequestDuration) < seconds, {
    prop: 'maxRequestDuration',
    value: maxRequestDuration,
    rule: `is shorter than the longest query of the routes, ${seconds} s, which would be cut when a pod ends`,
    fix: `remove it, or give at least Duration.seconds(${seconds})`,
  });
  return maxRequestDuration ?? Duration.seconds(Math.max(seconds, wholeSeconds(DEFAULT_MAX_QUERY_DURATION)));
}

/** How long a query by any of the routes takes at most; nothing where they answer none. */
function longestQuery(routes: readonly Route[] = []): Duration | undefined {
  const seconds = Math.max(0, ...routes.map(({ maxQuerySeconds }) => maxQuerySeconds));
  return seconds > 0 ? Duration.seconds(seconds) : undefined;
}

function vmauthFlagSet(
  props: Checked<VmAuthProps>,
  finish: Duration,
  problems: Problems,
): FlagSet<EnterpriseVmauthFlags> {
  const { configCheckInterval = Duration.seconds(30), enterpriseLicense } = props;
  const flags = new FlagSet(CATALOGUE, problems);
  setGracefulFlags(flags, props, '', { duration: finish, prop: 'maxRequestDuration' });
  return flags
    .set('httpInternalListenAddr', `:${INTERNAL_PORT}`, LIBRARY)
    .set('auth.config', `${CONFIG_FOLDER}/${CONFIG_FILE}`, 'users')
    .set('configCheckInterval', configCheckInterval, 'configCheckInterval')
    .set('maxConcurrentRequests', props.maxConcurrentRequests, 'maxConcurrentRequests')
    .set('maxConcurrentPerUserRequests', props.maxConcurrentPerUserRequests, 'maxConcurrentPerUserRequests')
    .set('maxQueueDuration', props.maxQueueDuration, 'maxQueueDuration')
    .set('licenseFile', enterpriseLicense && secretPath(enterpriseLicense), 'enterpriseLicense')
    .set('discoverBackendIPs', undefined, 'the endpoints of the routes')
    .set('loadBalancingPolicy', undefined, 'loadBalancingPolicy of a route')
    .set('retryStatusCodes', undefined, 'retryStatusCodes of a route')
    .refuse(
      ['httpAuthHeader'],
      'endpoints tell their clients to send credentials in Authorization, which is kept from backends; another header is not',
      'remove it',
    )
    .refuse(['logInvalidAuthTokens'], 'what clients send as credentials would stand in the log', 'remove it')
    .refuse(['dryRun'], 'the process would check its config and exit', 'remove it')
    .refuse(
      ['reloadAuthKey'],
      'the config is read again by itself, and /-/reload is on a port that clients do not reach',
      'remove it',
    );
}
