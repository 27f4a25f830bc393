import type { NetworkPolicyPeer, NetworkPort } from '../wiring';

/** Where the Kubernetes API is, as NetworkPolicies see it: behind its Service, at addresses that no selector finds. */
export interface ApiServerProps {
  /** Its addresses. @default - any */
  readonly peers?: readonly NetworkPolicyPeer[];
  /** Its ports: some networks look at that of the Service, some at that of the process. @default - 443 and 6443 */
  readonly ports?: readonly number[];
}

/** What pods may do with some resources or paths of the Kubernetes API, as in a rule of a Role. */
export type ApiRule =
  | { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: readonly string[] }
  | { readonly nonResourceURLs: readonly string[]; readonly verbs: readonly string[] };

/** What pods need of the Kubernetes API. */
export interface ApiAccess {
  /** What is asked for. */
  readonly rules: readonly ApiRule[];
  /**
   * The namespaces that it is needed in; `undefined` in the list is that of the pods themselves.
   *
   * @default - all, and what belongs to none
   */
  readonly namespaces?: readonly (string | undefined)[];
}

/** The verbs of a client that keeps a copy of what it watches. */
export const WATCH: readonly string[] = ['get', 'list', 'watch'];

/** Port 443 is that of the Service `kubernetes`, 6443 that of the process behind it. */
const API_SERVER_PORTS: readonly number[] = [443, 6443];

/** The flows to the API server; no peer in particular means any. */
export function apiServerFlows({ peers = [], ports = API_SERVER_PORTS }: ApiServerProps = {}): {
  readonly peer: NetworkPolicyPeer | undefined;
  readonly ports: readonly NetworkPort[];
}[] {
  const opened = ports.map((port) => ({ port }));
  return (peers.length > 0 ? peers : [undefined]).map((peer) => ({ peer, ports: opened }));
}

/** Rules of the same groups and verbs joined, without repetition, in an order that does not depend on that of the wiring. */
export function joinRules(rules: readonly ApiRule[]): ApiRule[] {
  const joined = new Map<string, ApiRule>();
  for (const rule of rules) {
    const verbs = distinct(rule.verbs);
    if ('resources' in rule) {
      const apiGroups = distinct(rule.apiGroups);
      const key = JSON.stringify([apiGroups, verbs]);
      const known = joined.get(key);
      const resources = distinct([...(known && 'resources' in known ? known.resources : []), ...rule.resources]);
      joined.set(key, { apiGroups, resources, verbs });
    } else {
      const key = JSON.stringify(['paths', verbs]);
      const known = joined.get(key);
      const paths = known && 'nonResourceURLs' in known ? known.nonResourceURLs : [];
      joined.set(key, { nonResourceURLs: distinct([...paths, ...rule.nonResourceURLs]), verbs });
    }
  }
  return [...joined].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}

/** Whether all that a rule allows is allowed by others already. */
export function covers(known: readonly ApiRule[], wanted: ApiRule): boolean {
  return permissions(wanted).every((permission) => known.some((rule) => permissions(rule).includes(permission)));
}

function permissions(rule: ApiRule): string[] {
  const places =
    'resources' in rule
      ? rule.apiGroups.flatMap((group) => rule.resources.map((resource) => `${group}/${resource}`))
      : rule.nonResourceURLs.map((path) => `path ${path}`);
  return places.flatMap((place) => rule.verbs.map((verb) => `${verb} ${place}`));
}

function distinct(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}
