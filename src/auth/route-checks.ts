import {
  all,
  atLeastOne,
  boolean,
  filledListOf,
  integer,
  listOf,
  inTheClear,
  mapOf,
  namesSecret,
  namesSecretHeader,
  object,
  oneOf,
  rule,
  type Check,
} from '../validation';
import { SecretRef } from '../values';
import { Endpoint } from '../wiring';
import { pathCheck, regexCheck } from './regex';

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
      problems.when(text !== '' && !SecretRef.is(text) && namesSecretHeader(name), {
        prop: `${prop}['${name}']`,
        value: '***',
        rule: inTheClear('ConfigMap'),
        fix: "put the whole value into a Secret and write SecretRef.of('name-of-the-secret', 'key')",
      });
    }
    return value;
  },
);

/** Refuses a condition that a secret is part of. @param mark what comes after the name */
function noSecret(isSecret: (name: string) => boolean, mark: string): Check {
  return (value, prop, problems) => {
    const [name = ''] = (value as string).split(mark);
    if (!isSecret(name)) return value;
    problems.add({
      prop,
      value: `${name}${mark}***`,
      rule: 'is about a secret, which would stand in the ConfigMap in the clear',
      fix: 'remove it; secrets are what users are told apart by',
    });
    return undefined;
  };
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
  noSecret(namesSecret, '='),
);

const srcHeaderCheck: Check = all(
  rule(
    (value) => typeof value === 'string' && /^[\w-]+: ?\S[^\r\n]*$/.test(value),
    'must be Name: value',
    "write for example 'X-Team: shop'",
  ),
  noSecret(namesSecretHeader, ':'),
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
  (Array.isArray(value) ? filledListOf(endpointCheck, 'leads nowhere', ENDPOINT_FIX) : endpointCheck)(
    value,
    prop,
    problems,
  );

const routeObject: Check = object<VmAuthRoute>(
  {
    to: targetsCheck,
    srcPaths: conditions(pathCheck),
    srcHosts: conditions(regexCheck),
    srcQueryArgs: conditions(queryArgCheck),
    srcHeaders: conditions(srcHeaderCheck),
    dropSrcPathPrefixParts: atLeastOne,
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
  return filledListOf(check, 'an empty list matches no request', 'name one or leave it out');
}
