import type { Problems } from '../validation';
import type { SecretRef } from '../values';
import type { Credentials } from '../wiring';
import type { IpFilters, VmAuthAccess, VmAuthProps, VmAuthUser } from './props';
import { Route } from './route';
import { guard, placeholder } from './secrets';

/** Those who may ask for something: a user, or everybody. */
export class Access {
  public readonly routes: readonly Route[];

  /**
   * @param name of the user; nothing for everybody
   * @param prop where it is said
   */
  public constructor(
    public readonly name: string | undefined,
    private readonly props: VmAuthAccess & Partial<VmAuthUser>,
    prop: string,
    problems: Problems,
  ) {
    this.routes = props.routes.map((route, index) => new Route(route, `${prop}.routes[${index}]`, problems));
    this.routes.forEach((route, index) => route.checkReachable(this.routes.slice(0, index), problems));
  }

  /** What clients must send. */
  public get credentials(): Credentials | undefined {
    const { password, bearerToken } = this.props;
    if (bearerToken) return { bearerToken };
    return password && this.name !== undefined ? { username: this.name, password } : undefined;
  }

  public get bearerToken(): SecretRef | undefined {
    return this.props.bearerToken;
  }

  public get ipFilters(): IpFilters | undefined {
    return this.props.ipFilters;
  }

  public get writes(): boolean {
    return this.routes.some(({ writes }) => writes);
  }

  /** All that vmauth needs to know. */
  public get secrets(): SecretRef[] {
    const { password, bearerToken } = this.props;
    return [password, bearerToken, ...this.routes.flatMap(({ secrets }) => secrets)].filter((ref) => ref !== undefined);
  }

  /** The route of every request for a path. */
  public routeOf(path: string): Route | undefined {
    return this.routes.find((route) => route.takes(path));
  }

  /** As the config says it. */
  public render(): object {
    const { password, bearerToken, maxConcurrentRequests, ipFilters } = this.props;
    const guarded = (policy: string): string => guard(this.secrets) + policy;
    return {
      name: this.name,
      username: password && this.name,
      password: password && placeholder(password),
      bearer_token: bearerToken && placeholder(bearerToken),
      max_concurrent_requests: maxConcurrentRequests,
      ip_filters: ipFilters && {
        allow_list: ipFilters.allowList,
        deny_list: ipFilters.denyList,
        real_ip_header: ipFilters.realIpHeader,
      },
      load_balancing_policy: guarded('least_loaded'),
      url_map: this.routes.flatMap((route) => route.entries(guarded)),
    };
  }
}

/** The users, by name, and everybody where that is open. */
export function accesses(props: Partial<VmAuthProps>, problems: Problems): Access[] {
  const users = Object.entries(props.users ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, user]) => new Access(name, user, `users['${name}']`, problems));
  checkTokens(users, problems);
  checkFilters(users, props, problems);
  return props.unauthorized ? [...users, new Access(undefined, props.unauthorized, 'unauthorized', problems)] : users;
}

function checkTokens(users: readonly Access[], problems: Problems): void {
  const owners = new Map<string, string | undefined>();
  for (const { name, bearerToken } of users) {
    if (!bearerToken) continue;
    const owner = owners.get(String(bearerToken));
    problems.when(owner !== undefined, {
      prop: `users['${name}'].bearerToken`,
      value: bearerToken,
      rule: `is the token of ${owner} as well, and vmauth tells users apart by it`,
      fix: 'give each a token of its own',
    });
    owners.set(String(bearerToken), name);
  }
}

function checkFilters(users: readonly Access[], { enterpriseLicense }: Partial<VmAuthProps>, problems: Problems): void {
  for (const { name, ipFilters } of users) {
    problems.when(ipFilters !== undefined && enterpriseLicense === undefined, {
      prop: `users['${name}'].ipFilters`,
      value: ipFilters,
      rule: 'only vmauth of VictoriaMetrics Enterprise knows them; the open source one does not start with them',
      fix: "set `enterpriseLicense`, or let in just the right addresses for all users: `endpointOf('name').allowFrom({ ipBlock: { cidr: '10.0.0.0/8' } })`",
    });
  }
}
