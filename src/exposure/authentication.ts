import type { Problems } from '../validation';
import type { Endpoint } from '../wiring';

/** What a user accepts. */
export interface Acceptance {
  readonly allowUnauthenticatedWrites?: boolean;
  readonly allowUnauthenticatedReads?: boolean;
}

/** Answer queries, and so does all below them. */
const QUERY_PATH =
  /^\/(api\/v1\/(query|query_range|query_exemplars|series|labels|label\/[^/]+\/values|metadata|export|status\/(active_queries|buildinfo|top_queries|tsdb))|federate|vmui|graphite\/(render|metrics\/(find|expand)))\/?$/;

/** Take data, or remove it, and show none, and so does all below them. */
const WRITE_PATH =
  /^\/(api\/v1\/(write|push|import)|datadog|influx|newrelic|opentelemetry|zabbixconnector|metrics\/job)(\/|$)/;

const AUTHENTICATE = 'put a VmAuth before it, or set `httpAuth` of the component';

/**
 * Reports what anybody could do who reaches the host.
 *
 * @param path what of the endpoint is exposed, alone or with all below it
 */
export function checkAuthentication(
  endpoint: Endpoint,
  path: string,
  prop: string,
  accepted: Acceptance,
  problems: Problems,
): void {
  if (endpoint.authenticated) return;
  problems.when(stores(endpoint, path) && !accepted.allowUnauthenticatedWrites, {
    prop,
    value: endpoint.url,
    rule: 'whoever reaches the host could store data without credentials',
    fix: `${AUTHENTICATE}, or accept it with \`allowUnauthenticatedWrites: true\``,
  });
  problems.when(shows(endpoint, path) && !accepted.allowUnauthenticatedReads, {
    prop,
    value: endpoint.url,
    rule: 'whoever reaches the host could read all data without credentials',
    fix: `${AUTHENTICATE}, or accept it with \`allowUnauthenticatedReads: true\``,
  });
}

function stores({ kind, writes, path: own }: Endpoint, path: string): boolean {
  return writes && !QUERY_PATH.test(kind === 'query' ? path.slice(own.length) : path);
}

function shows({ kind, writes, path: own }: Endpoint, path: string): boolean {
  if (kind === 'query' || !writes) return true;
  // At the root is all that the process serves, its pages and metrics among them.
  return kind !== 'remote-write' && own === '' && !WRITE_PATH.test(path);
}
