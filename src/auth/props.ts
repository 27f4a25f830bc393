import { isIP } from 'node:net';
import type { Duration } from 'cdk8s';
import type { VmauthFlags } from '../flags';
import {
  GRACEFUL_SHAPE,
  SERVER_SHAPE,
  VERSION_SHAPE,
  type GracefulProps,
  type ServerProps,
  type VersionProps,
} from '../victoria-metrics';
import {
  all,
  atLeastOne,
  duration,
  filledListOf,
  forbidden,
  listOf,
  mapOf,
  object,
  Problems,
  rule,
  text,
  type Check,
  type Shape,
} from '../validation';
import { secretRefCheck, type SecretRef } from '../values';
import { cidrCheck, type Endpoint } from '../wiring';
import { INSTANCE_SHAPE, SCALING_SHAPE, type InstanceProps, type ScalingProps } from '../workload';
import { routeCheck, type VmAuthRoute } from './route-checks';

/** What somebody may ask for. */
export interface VmAuthAccess {
  /**
   * Where requests go; the first that matches takes a request. An endpoint alone opens what is usual for it:
   * `cluster.read(tenant)` the query API and the web UI at `/vmui/`, `cluster.write(tenant)` all formats that it takes.
   * Requests that match none are refused.
   */
  readonly routes: readonly (Endpoint | VmAuthRoute)[];
  /**
   * How many requests each pod passes on at once; others wait for `maxQueueDuration` and are refused with 429.
   *
   * @default - `maxConcurrentPerUserRequests`
   */
  readonly maxConcurrentRequests?: number;
}

/**
 * Somebody with a password or a token of their own. Secrets have one line; a change of one is seen by new pods only:
 * `kubectl rollout restart` after it.
 */
export interface VmAuthUser extends VmAuthAccess {
  /**
   * For basic auth, with the name of the user. A Secret whose value is empty lets in whoever sends the name and no
   * password.
   *
   * @default - none: set `bearerToken`
   */
  readonly password?: SecretRef;
  /** For `Authorization: Bearer`. With an empty value the pods do not start. @default - none: set `password` */
  readonly bearerToken?: SecretRef;
  /** The addresses that the user may come from; Enterprise only. @default - any that the NetworkPolicy lets in */
  readonly ipFilters?: IpFilters;
}

/** Addresses and address blocks. */
export interface IpFilters {
  /** Who may come in. @default - all */
  readonly allowList?: readonly string[];
  /** Who may not, of those. @default - none */
  readonly denyList?: readonly string[];
  /**
   * The header in which a proxy in front tells the address of the client. Whoever can reach vmauth past that proxy can
   * write anything there.
   *
   * @default - the address of the connection counts
   */
  readonly realIpHeader?: string;
}

/** vmauth: lets users in, and spreads their requests over the pods behind it. */
export interface VmAuthProps
  extends Omit<ServerProps<VmauthFlags>, 'httpAuth'>, ScalingProps, GracefulProps, InstanceProps, VersionProps {
  /** By name, which is the username where the user has a password. @default - none: set `unauthorized` */
  readonly users?: Readonly<Record<string, VmAuthUser>>;
  /**
   * What is open to requests without credentials, and to those with wrong ones.
   *
   * @default - nothing: such requests are answered with 401
   */
  readonly unauthorized?: VmAuthAccess;
  /** How many requests each pod passes on at once, of all users. @default - 1000 */
  readonly maxConcurrentRequests?: number;
  /** How many requests of one user each pod passes on at once. @default - 100 */
  readonly maxConcurrentPerUserRequests?: number;
  /** How long a request above a limit waits before it is refused with 429. @default - 10 s */
  readonly maxQueueDuration?: Duration;
  /**
   * How long a request that is running when a pod is told to go may take to finish. Longer ones are cut.
   *
   * @default - as long as the longest query of the routes, at least 30 s; 30 s is what queries outside of the stack count
   */
  readonly maxRequestDuration?: Duration;
  /**
   * How often the pods look whether their config has changed, which Kubernetes tells them about a minute late.
   *
   * @default Duration.seconds(30)
   */
  readonly configCheckInterval?: Duration;
  /** The license of VictoriaMetrics Enterprise, which brings its image and `ipFilters`. @default - the open source */
  readonly enterpriseLicense?: SecretRef;
}

/** With the flag that only the binary of Enterprise has. */
export type EnterpriseVmauthFlags = VmauthFlags & { readonly licenseFile?: string };

/** A header has no room for a colon in a username, and vmauth replaces %{...}. */
const USER_NAME = /^[^:%\p{Cc}]+$/u;

const addressCheck: Check = rule(
  (value) => typeof value === 'string' && (isIP(value) !== 0 || cidrCheck(value, '', new Problems()) !== undefined),
  'must be an address or an address block',
  "write for example '10.0.0.0/24' or '192.0.2.1'",
);

const ACCESS_SHAPE: Shape<VmAuthAccess> = {
  routes: filledListOf(routeCheck, 'leads nowhere', 'write for example [cluster.read(), cluster.write()]'),
  maxConcurrentRequests: atLeastOne,
};

/** Before what is wrong is left out. */
const credentialsCheck: Check = (value, prop, problems) => {
  const { password, bearerToken } = value as Partial<VmAuthUser>;
  problems.when(password === undefined && bearerToken === undefined, {
    prop: `${prop}.password`,
    value: undefined,
    rule: 'vmauth could not tell the user from others',
    fix: "set `password` or `bearerToken` to SecretRef.of('name-of-the-secret', 'key')",
  });
  problems.when(password !== undefined && bearerToken !== undefined, {
    prop: `${prop}.bearerToken`,
    value: bearerToken,
    rule: 'vmauth knows a user by the password or by the token, not by both',
    fix: 'remove one of them, or make a second user',
  });
  return value;
};

const usersCheck: Check = all(
  mapOf(
    all(
      rule((value) => typeof value === 'object' && value !== null, 'must be an object', 'write { password, routes }'),
      credentialsCheck,
      object<VmAuthUser>(
        {
          ...ACCESS_SHAPE,
          password: secretRefCheck,
          bearerToken: secretRefCheck,
          ipFilters: object<IpFilters>({
            allowList: listOf(addressCheck),
            denyList: listOf(addressCheck),
            realIpHeader: text(/^[\w-]+$/, 'the name of a header'),
          }),
        },
        'routes',
      ),
    ),
  ),
  (value, prop, problems) => {
    for (const name of Object.keys(value as object)) {
      problems.when(!USER_NAME.test(name), {
        prop,
        value: name,
        rule: 'the name of a user has no :, no % and no control characters, and is not empty',
        fix: 'rename the user',
      });
    }
    return value;
  },
);

export const VM_AUTH_SHAPE: Shape<VmAuthProps & { readonly httpAuth?: never }> = {
  ...SERVER_SHAPE,
  ...SCALING_SHAPE,
  ...GRACEFUL_SHAPE,
  ...INSTANCE_SHAPE,
  ...VERSION_SHAPE,
  users: usersCheck,
  unauthorized: object<VmAuthAccess>(ACCESS_SHAPE, 'routes'),
  maxConcurrentRequests: atLeastOne,
  maxConcurrentPerUserRequests: atLeastOne,
  maxQueueDuration: duration,
  maxRequestDuration: duration,
  configCheckInterval: duration,
  enterpriseLicense: secretRefCheck,
  httpAuth: forbidden('who may come in is what `users` say', 'remove it and set `users`'),
};
