import { DEFAULT_MAX_QUERY_DURATION } from '../victoria-metrics';
import { wholeSeconds, type Problems } from '../validation';
import { SecretRef } from '../values';
import { Endpoint } from '../wiring';
import { onlyQueries, prefixOf, standardPaths, urlWith, type PathSet } from './paths';
import { wholeRegex } from './regex';
import type { VmAuthRoute } from './route-checks';
import { placeholder } from './secrets';

const WRITE_RETRY_STATUS_CODES = [502, 503];

/** A route with all that follows from its endpoints. */
export class Route {
  public readonly targets: readonly Endpoint[];

  private readonly props: VmAuthRoute;
  /** An entry of `url_map` for each. */
  private readonly pathSets: readonly PathSet[];
  /** Whether the route takes only some of the requests for its paths. */
  private readonly conditional: boolean;

  /** @param prop where the user says it */
  public constructor(
    private readonly given: Endpoint | VmAuthRoute,
    private readonly prop: string,
    problems: Problems,
  ) {
    this.props = Endpoint.is(given) ? { to: given } : given;
    const { to, srcPaths, srcHosts, srcQueryArgs, srcHeaders, dropSrcPathPrefixParts: drop } = this.props;
    this.targets = Endpoint.is(to) ? [to] : to;
    this.conditional = [srcHosts, srcQueryArgs, srcHeaders].some((condition) => condition !== undefined);
    this.pathSets = this.pathSetsOf(this.targets[0]!);
    this.checkTargets(problems);
    problems.when(this.pathSets.length === 0, {
      prop,
      value: this.targets[0]?.url,
      rule: 'only of write() and read() it is known which paths they serve',
      fix: "write { to: endpoint, srcPaths: ['/path'] }",
    });
    problems.when(drop !== undefined && srcPaths === undefined, {
      prop: `${prop}.dropSrcPathPrefixParts`,
      value: drop,
      rule: 'the paths that are open without `srcPaths` have nothing before them',
      fix: "set `srcPaths` as well, e.g. ['/shop/api/v1/query']",
    });
  }

  /** Whether all targets are components of the stack, whose pods vmauth finds by their name. */
  public get isInternal(): boolean {
    return this.targets.every(({ isInternal }) => isInternal);
  }

  /** What vmauth puts into headers. */
  public get secrets(): SecretRef[] {
    const { headers = {}, responseHeaders = {} } = this.props;
    const values = [this.bearerToken, ...Object.values(headers), ...Object.values(responseHeaders)];
    return values.filter((value) => SecretRef.is(value));
  }

  /** Whether clients can store data by this route. */
  public get writes(): boolean {
    return this.targets.some((target) => this.writesTo(target));
  }

  /** How long a query by this route takes at most; 0 where there are none. */
  public get maxQuerySeconds(): number {
    const queried = this.targets.filter((target) => !isForWriting(target));
    return Math.max(
      0,
      ...queried.map(({ maxQueryDuration = DEFAULT_MAX_QUERY_DURATION }) => wholeSeconds(maxQueryDuration)),
    );
  }

  /** Whether every request for the path takes this route. */
  public takes(path: string): boolean {
    return !this.conditional && this.paths.some((pattern) => wholeRegex(pattern)?.test(path));
  }

  /** Reports what of this route earlier ones leave nothing for. */
  public checkReachable(earlier: readonly Route[], problems: Problems): void {
    const takers = this.paths.map((path) => earlier.find((route) => route.takesAll(path)));
    const report = (prop: string, value: unknown, taker: Route): void =>
      problems.add({
        prop,
        value,
        rule: `can never be reached: ${taker.prop} comes first and takes the same requests`,
        fix: 'put the more specific one first, or give them different `srcPaths`, or a user each',
      });
    const [first] = takers;
    if (first && takers.every((taker) => taker !== undefined)) {
      report(this.prop, this.targets[0]?.url, first);
    } else if (this.props.srcPaths) {
      takers.forEach((taker, index) => {
        if (taker) report(`${this.prop}.srcPaths[${index}]`, this.paths[index], taker);
      });
    }
  }

  /**
   * The entries of `url_map`.
   *
   * @param guarded adds to a policy what makes vmauth refuse the config where a secret is missing
   */
  public entries(guarded: (policy: string) => string): object[] {
    const { props } = this;
    return this.pathSets.map(({ paths, drop }, index) => ({
      src_paths: paths,
      src_hosts: props.srcHosts,
      src_query_args: props.srcQueryArgs,
      src_headers: props.srcHeaders,
      url_prefix: this.targets.map((target) => urlWith(target.eachPod(), this.pathSetsOf(target)[index]!.prefix)),
      discover_backend_ips: this.isInternal ? true : undefined,
      load_balancing_policy: props.loadBalancingPolicy && guarded(props.loadBalancingPolicy),
      retry_status_codes: props.retryStatusCodes ?? (this.isForWriting ? WRITE_RETRY_STATUS_CODES : undefined),
      drop_src_path_prefix_parts: drop,
      headers: this.requestHeaders(),
      response_headers: props.responseHeaders && headerLines(props.responseHeaders),
      keep_original_host: props.keepOriginalHost,
    }));
  }

  private get isForWriting(): boolean {
    return this.targets.every(isForWriting);
  }

  private writesTo(target: Endpoint): boolean {
    const { srcPaths, dropSrcPathPrefixParts: drop } = this.props;
    if (target.kind === 'remote-write') return true;
    // Of what is outside it is not known what it takes.
    if (target.isInternal && !target.writes) return false;
    // What is open of an endpoint for queries stores nothing, whatever else the endpoint can do.
    if (!srcPaths) return target.kind !== 'query';
    return !srcPaths.every((path) => onlyQueries(target, path, drop));
  }

  private get paths(): readonly string[] {
    return this.pathSets.flatMap(({ paths }) => paths);
  }

  private pathSetsOf(endpoint: Endpoint): readonly PathSet[] {
    const { srcPaths, dropSrcPathPrefixParts: drop } = this.props;
    if (srcPaths) return [{ prefix: prefixOf(endpoint), paths: srcPaths, drop }];
    return standardPaths(endpoint) ?? [];
  }

  private takesAll(pattern: string): boolean {
    return !this.conditional && this.paths.some((own) => covers(own, pattern));
  }

  private get setsAuthorization(): boolean {
    return Object.keys(this.props.headers ?? {}).some((name) => name.toLowerCase() === 'authorization');
  }

  private get bearerToken(): SecretRef | undefined {
    const credentials = this.targets[0]?.credentials;
    if (this.setsAuthorization || !credentials || !('bearerToken' in credentials)) return undefined;
    return credentials.bearerToken;
  }

  /** With nothing that the client has authenticated with. */
  private requestHeaders(): string[] {
    const given = headerLines(this.props.headers ?? {});
    if (this.setsAuthorization) return given;
    const { bearerToken } = this;
    return [bearerToken ? `Authorization: Bearer ${placeholder(bearerToken)}` : 'Authorization:', ...given];
  }

  private checkTargets(problems: Problems): void {
    const propOf = (index: number): string => {
      if (Endpoint.is(this.given)) return this.prop;
      return Endpoint.is(this.given.to) ? `${this.prop}.to` : `${this.prop}.to[${index}]`;
    };
    this.targets.forEach((target, index) => {
      const { credentials, url } = target;
      problems.when(!alike(this.targets[0]!, target), {
        prop: propOf(index),
        value: url,
        rule: `is not the same as ${this.targets[0]?.url}, and any request may go to any of them`,
        fix: 'make them routes of their own',
      });
      problems.when(credentials !== undefined && 'username' in credentials && !this.setsAuthorization, {
        prop: propOf(index),
        value: url,
        rule: 'asks for a username and a password, and vmauth cannot make the header with them that it would have to send',
        fix: "put the whole header, e.g. Basic dXNlcjpwYXNz, into a Secret, and set `headers: { Authorization: SecretRef.of('name-of-the-secret', 'key') }` on the route",
      });
    });
  }
}

/** Whether there is nothing to query. */
function isForWriting({ kind, writes }: Endpoint): boolean {
  return kind === 'remote-write' || (writes && kind !== 'query');
}

/** Whether any of the requests may go to either. */
function alike(a: Endpoint, b: Endpoint): boolean {
  const shape = (endpoint: Endpoint): string =>
    JSON.stringify([
      endpoint.kind,
      endpoint.isInternal,
      endpoint.tenant?.toString(),
      endpoint.credentials && 'bearerToken' in endpoint.credentials && String(endpoint.credentials.bearerToken),
      standardPaths(endpoint)?.map(({ paths, drop }) => ({ paths, drop })),
    ]);
  return shape(a) === shape(b);
}

const CATCH_ALL = /^\/?\.[*+]$/;
const LITERAL = /^[\w/-]+$/;

/** Whether a regular expression surely matches all that another matches. */
function covers(pattern: string, other: string): boolean {
  return (
    pattern === other || CATCH_ALL.test(pattern) || (LITERAL.test(other) && wholeRegex(pattern)?.test(other) === true)
  );
}

function headerLines(headers: Readonly<Record<string, string | SecretRef>>): string[] {
  return Object.entries(headers).map(([name, value]) => {
    if (SecretRef.is(value)) return `${name}: ${placeholder(value)}`;
    return value === '' ? `${name}:` : `${name}: ${value}`;
  });
}
