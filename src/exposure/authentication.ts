import { onlyAnswers, onlyStores } from '../victoria-metrics';
import type { Problems } from '../validation';
import type { Endpoint } from '../wiring';

/** What a user accepts. */
export interface Acceptance {
  readonly allowUnauthenticatedWrites?: boolean;
  readonly allowUnauthenticatedReads?: boolean;
}

/** Of a Pushgateway: pushes and deletes, and shows nothing. */
const PUSH_PATH = /^\/metrics\/job(\/|$)/;

const AUTHENTICATE = 'put a VmAuth before it, or set `httpAuth` of the component';

/** What of an endpoint is exposed: a path alone, or with all below it. */
interface Exposed {
  readonly path: string;
  readonly pathType: 'Exact' | 'Prefix';
}

/** Reports what anybody could do who reaches the host. */
export function checkAuthentication(
  endpoint: Endpoint,
  exposed: Exposed,
  prop: string,
  accepted: Acceptance,
  problems: Problems,
): void {
  if (endpoint.authenticated) return;
  problems.when(stores(endpoint, exposed) && !accepted.allowUnauthenticatedWrites, {
    prop,
    value: endpoint.url,
    rule: 'whoever reaches the host could store data without credentials',
    fix: `${AUTHENTICATE}, or accept it with \`allowUnauthenticatedWrites: true\``,
  });
  problems.when(shows(endpoint, exposed) && !accepted.allowUnauthenticatedReads, {
    prop,
    value: endpoint.url,
    rule: 'whoever reaches the host could read all data without credentials',
    fix: `${AUTHENTICATE}, or accept it with \`allowUnauthenticatedReads: true\``,
  });
}

function stores(endpoint: Endpoint, { path, pathType }: Exposed): boolean {
  const { kind, writes, writesAuthenticated, path: own } = endpoint;
  const asked = (kind === 'query' ? path.slice(own.length) : path).replace(/\/$/, '');
  return writes && !writesAuthenticated && !onlyAnswers(asked, { below: pathType === 'Prefix' });
}

function shows({ kind, writes, path: own }: Endpoint, { path }: Exposed): boolean {
  if (kind === 'query' || !writes) return true;
  // At the root is all that the process serves, its pages and metrics among them.
  return kind !== 'remote-write' && own === '' && !onlyStores(path) && !PUSH_PATH.test(path);
}
