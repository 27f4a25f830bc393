import { InvalidArgumentError } from './errors';

/** `multitenant`: writes take the tenant from the labels `vm_account_id` and `vm_project_id`, reads see all tenants. */
const MULTITENANT = 'multitenant';
const TENANT = /^(\d{1,10})(?::(\d{1,10}))?$/;
/** Where vmselect answers queries; it deletes beside it. */
const SELECT_PATH = /\/select\/([^/]+)\/prometheus$/;
const MAX_UINT32 = 2 ** 32 - 1;

/** Base URLs of the APIs: what stands before `/api/v1/...`. */
export interface Endpoints {
  readonly readUrl?: string;
  readonly writeUrl?: string;
  /** What stands before `/api/v1/admin/...`. */
  readonly deleteUrl?: string;
  /** The roots of the servers themselves: what stands before `/health`, `/metrics` and `/flags`. */
  readonly servers: { readonly read?: string; readonly write?: string };
}

export function singleEndpoints(url: string): Endpoints {
  const base = baseUrl('url', url);
  return { readUrl: base, writeUrl: base, deleteUrl: base, servers: { read: base, write: base } };
}

/** https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#url-format */
export function clusterEndpoints(insert: string, select: string, tenant: string): Endpoints {
  const insertBase = baseUrl('insert', insert);
  const selectBase = baseUrl('select', select);
  validateTenant(tenant);
  return {
    writeUrl: `${insertBase}/insert/${tenant}/prometheus`,
    readUrl: `${selectBase}/select/${tenant}/prometheus`,
    deleteUrl: `${selectBase}/delete/${tenant}/prometheus`,
    servers: { read: selectBase, write: insertBase },
  };
}

export function explicitEndpoints(readUrl: string | undefined, writeUrl: string | undefined): Endpoints {
  if (readUrl === undefined && writeUrl === undefined) {
    throw new InvalidArgumentError('readUrl, writeUrl: both are missing; give at least one of them');
  }
  const read = readUrl === undefined ? undefined : baseUrl('readUrl', readUrl);
  const write = writeUrl === undefined ? undefined : baseUrl('writeUrl', writeUrl);
  const origin = (url: string | undefined): string | undefined => (url === undefined ? undefined : new URL(url).origin);
  return {
    readUrl: read,
    writeUrl: write,
    deleteUrl: read?.replace(SELECT_PATH, '/delete/$1/prometheus'),
    servers: { read: origin(read), write: origin(write) },
  };
}

/** @throws InvalidArgumentError unless the tenant is `accountID`, `accountID:projectID` (32 bits each) or `multitenant` */
function validateTenant(tenant: string): void {
  if (tenant === MULTITENANT) return;
  const ids = TENANT.exec(tenant)?.slice(1).filter(Boolean);
  if (ids?.every((id) => Number(id) <= MAX_UINT32)) return;
  throw new InvalidArgumentError(
    `tenant: ${JSON.stringify(tenant)} is not a tenant; give 'accountID' or 'accountID:projectID', ` +
      `each from 0 to ${MAX_UINT32}, or 'multitenant'`,
  );
}

/** Validates a base URL and removes slashes at its end. */
function baseUrl(name: string, text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The text may hold a password, so it is not repeated.
    throw new InvalidArgumentError(`${name}: not a URL; give one such as 'http://victoria-metrics:8428'`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(`${name}: holds a user or password; give these in auth`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidArgumentError(
      `${name}: the scheme '${url.protocol.slice(0, -1)}' is not http or https; use one of these`,
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError(`${name}: holds a query string or fragment; give the URL up to its path`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
