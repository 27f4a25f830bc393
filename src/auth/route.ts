import { Duration } from 'cdk8s';
import {
  all,
  boolean,
  integer,
  listOf,
  mapOf,
  namesSecret,
  object,
  oneOf,
  rule,
  wholeSeconds,
  type Check,
  type Problems,
} from '../validation';
import { SecretRef } from '../values';
import { Endpoint } from '../wiring';
import { onlyQueries, prefixOf, standardPaths, urlWith, type PathSet } from './paths';
import { pathCheck, regexCheck, wholeRegex } from './regex';
import { placeholder } from './secrets';

/** Which requests go where, as an entry of `url_map` of vmauth says it. */
export interface VmAuthRoute {
  /** Where the requests go. Of several, which must be equal, each request goes to one. */
  readonly to: Endpoint | readonly Endpoint[];
  /**
   * Regular expressions (RE2) of which one must match the whole path of a request. The path is appended to the URL of
   * the endpoint, without `/api/v1/write` where that is one of remote write. Mind what they open: `/.*` lets clients
   * delete series where the endpoint can.
   *
   * @default - for `read()` of the stack the query API, `/vmui/` and Graphite's queries; for `write()` all formats that
   *   it takes, each under the path that it has there without the tenant. Other endpoints need it.
   */
  readonly srcPaths?: readonly string[];
  /** Regular expressions (RE2) of which one must match the whole host of a request. @default - any host */
  readonly srcHosts?: readonly string[];
  /** Of which a request must have one: `name=value`, or `name=~regex` for the whole value. @default - any */
  readonly srcQueryArgs?: readonly string[];
  /** Of which a request must have one: `Name: value`. @default - any */
  readonly srcHeaders?: readonly string[];
  /** How many parts of the path of a request are left out, from its beginning. Wants `srcPaths`. @default 0 */
  readonly dropSrcPathPrefixParts?: number;
  /**
   * Headers that are set for the backend; an empty one is removed. What clients authenticate with is removed, unless
   * `Authorization` is set here.
   *
   * @default - `Authorization` where the endpoint has a bearer token, else none
   */
  readonly headers?: Readonly<Record<string, string | SecretRef>>;
  /** Headers that are set for the client; an empty one is removed. @default - none */
  readonly responseHeaders?: Readonly<Record<string, string | SecretRef>>;
  /** Whether the backend gets the `Host` that the client asked for. @default false */
  readonly keepOriginalHost?: boolean;
  /**
   * Answers that make vmauth ask another backend, and leave the first alone for three seconds.
   *
   * Whatever is said here, vmauth asks another one where it cannot connect.
   *
   * @default - 502 and 503 for `write()` and `ingest()`: a backend that cannot reach what is behind it; else none: a
   *   query that takes too long is answered with 503, would run on every backend, and its error would be lost
   */
  readonly retryStatusCodes?: readonly number[];
  /** The backend with the fewest requests, or the first in the list that works. @default least_loaded */
  readonly loadBalancingPolicy?: 'least_loaded' | 'first_available';
}

const WRITE_RETRY_STATUS_CODES = [502, 503];

/** That of vmselect and the single node, unless they are told otherwise. */
export const MAX_QUERY_DURATION = Duration.seconds(30);
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Of several lines the later ones would be headers, or more, of their own. */
const headerText: Check = rule(
  (value) => typeof value === 'string' && /^[^\r\n]*$/.test(value),
  'must be a string of one line',
  'write it in one line',
);

const headersCheck: Check = all(
  mapOf((value, prop, problems) => (SecretRef.is(value) ? value : headerText(value, prop, problems))),
  (value, prop, problems) => {
    for (const [name, text] of Object.entries(value as object)) {
      problems.when(!HEADER_NAME.test(name), {
        prop,
        value: name,
        rule: 'the name of a header consists of letters, digits and -',
        fix: "write for example { 'X-Scope-OrgID': '42' }",
      });
      problems.when(text !== '' && !SecretRef.is(text) && isSecretHeader(name), {
        prop: `${prop}['${name}']`,
        value: '***',
        rule: 'would stand in the ConfigMap in the clear',
        fix: "put the whole value into a Secret and write SecretRef.of('name-of-the-secret', 'key')",
      });
    }
    return value;
  },
);

function isSecretHeader(name: string): boolean {
  return /^(proxy-)?authorization$|cookie$/i.test(name) || namesSecret(name);
}

const queryArgCheck: Check = all(
  rule(
    (value) => typeof value === 'string' && /^[^=]+=/.test(value),
    'must be name=value or name=~regex',
    "write for example 'db=shop' or 'db=~shop-.+'",
  ),
  (value, prop, problems) => {
    const regex = /^[^=]+=~(.*)$/s.exec(value as string)?.[1];
    return regex === undefined || regexCheck(regex, prop, problems) !== undefined ? value : undefined;
  },
  (value, prop, problems) => {
    const [name = ''] = (value as string).split('=');
    if (!namesSecret(name)) return value;
    problems.add({
      prop,
      value: `${name}=***`,
      rule: 'is about a secret, which would stand in the ConfigMap in the clear',
      fix: 'remove it; secrets are what users are told apart by',
    });
    return undefined;
  },
);

const srcHeaderCheck: Check = rule(
  (value) => typeof value === 'string' && /^[\w-]+: ?\S[^\r\n]*$/.test(value) && !isSecretHeader(value.split(':')[0]!),
  'must be Name: value, and no header with a secret, which would stand in the ConfigMap in the clear',
  "write for example 'X-Team: shop'; secrets are what users are told apart by",
);

const ENDPOINT_FIX = 'write for example cluster.read() or cluster.write(Tenant.of(1))';

const endpointCheck: Check = all(
  rule((value) => Endpoint.is(value), 'must be an Endpoint', ENDPOINT_FIX),
  (value, prop, problems) => {
    const { url } = value as Endpoint;
    if (!url.startsWith('tcp:')) return value;
    problems.add({
      prop,
      value: url,
      rule: 'vmauth passes on HTTP only',
      fix: 'let its clients connect to it directly',
    });
    return undefined;
  },
);

const targetsCheck: Check = (value, prop, problems) =>
  (Array.isArray(value) ? someOf(endpointCheck, 'leads nowhere', ENDPOINT_FIX) : endpointCheck)(value, prop, problems);

const routeObject: Check = object<VmAuthRoute>(
  {
    to: targetsCheck,
    srcPaths: conditions(pathCheck),
    srcHosts: conditions(regexCheck),
    srcQueryArgs: conditions(queryArgCheck),
    srcHeaders: conditions(srcHeaderCheck),
    dropSrcPathPrefixParts: integer({ min: 1 }),
    headers: headersCheck,
    responseHeaders: headersCheck,
    keepOriginalHost: boolean,
    retryStatusCodes: listOf(integer({ min: 400, max: 599 })),
    loadBalancingPolicy: oneOf('least_loaded', 'first_available'),
  },
  'to',
);

/** An endpoint alone is a route as well. */
export const routeCheck: Check = (value, prop, problems) =>
  Endpoint.is(value) ? endpointCheck(value, prop, problems) : routeObject(value, prop, problems);

function conditions(check: Check): Check {
  return someOf(check, 'an empty list matches no request', 'name one or leave it out');
}

/** A list that is not empty; what is wrong in it is reported once. */
export function someOf(check: Check, emptyRule: string, fix: string): Check {
  return all(
    rule((value) => !Array.isArray(value) || value.length > 0, emptyRule, fix),
    listOf(check),
    (list) => ((list as unknown[]).length > 0 ? list : undefined),
  );
}

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
    return Math.max(0, ...queried.map(({ maxQueryDuration }) => wholeSeconds(maxQueryDuration ?? MAX_QUERY_DURATION)));
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
