import {
  belowPrometheus,
  GRAPHITE_READ_PATHS,
  onlyAnswers,
  OTHER_WRITE_PATHS,
  READ_PATHS,
  WRITE_PATHS,
} from '../victoria-metrics';
import type { Endpoint } from '../wiring';
import { samplesOf, WILD } from './regex';

/** Paths that clients ask for, and what comes before them at the backend. */
export interface PathSet {
  /** The path of the URL that vmauth appends the path of the client to. */
  readonly prefix: string;
  /** Regular expressions of the whole path. */
  readonly paths: readonly string[];
  /** How many parts of the path of the client are left out. @default - none */
  readonly drop?: number;
}

/** Where remote write of any Prometheus-compatible system is served. */
const WRITE_PATH = '/api/v1/write';
export const QUERY_PATH = '/api/v1/query';

/**
 * What an endpoint serves, as clients of vmauth ask for it: without the tenant, which is in the prefix. Nothing for an
 * endpoint of no known kind.
 *
 * The web UI asks for its data below `/prometheus`, so that all of the API is there as well.
 */
export function standardPaths(endpoint: Endpoint): readonly PathSet[] | undefined {
  const path = pathOf(endpoint);
  const prefix = prefixOf(endpoint);
  const root = prefix.replace(/\/prometheus$/, '');
  if (endpoint.kind === 'query') {
    if (!endpoint.isInternal) return [{ prefix, paths: READ_PATHS }];
    return merged(
      { prefix, paths: READ_PATHS },
      { prefix: root, paths: [...belowPrometheus(READ_PATHS), ...GRAPHITE_READ_PATHS] },
    );
  }
  if (endpoint.kind !== 'remote-write') return undefined;
  // Whatever the path is called elsewhere: what the client sends as its path is left out.
  if (prefix === path) return [{ prefix, paths: [WRITE_PATH], drop: WRITE_PATH.split('/').length - 1 }];
  if (!endpoint.isInternal) return [{ prefix, paths: [WRITE_PATH] }];
  return merged(
    { prefix, paths: WRITE_PATHS },
    { prefix: root, paths: [...belowPrometheus(WRITE_PATHS), ...OTHER_WRITE_PATHS] },
  );
}

/**
 * Whether a client surely stores and deletes nothing that asks an endpoint for what a regular expression matches.
 *
 * @param drop how many parts of the path of the client are left out
 */
export function onlyQueries(endpoint: Endpoint, pattern: string, drop = 0): boolean {
  const before = endpoint.kind === 'query' ? '' : pathOf(endpoint);
  const isQuery = (sample: string): boolean => {
    const [, ...parts] = sample.split('/');
    // What is wild may be several parts, of which some are left then.
    if (parts.slice(0, drop).some((part) => part.includes(WILD))) return false;
    return onlyAnswers(`${before}/${parts.slice(drop).join('/')}`);
  };
  return samplesOf(pattern)?.every(isQuery) ?? false;
}

/** What comes before the path of the client. */
export function prefixOf(endpoint: Endpoint): string {
  const path = pathOf(endpoint);
  return endpoint.kind === 'remote-write' && path.endsWith(WRITE_PATH) ? path.slice(0, -WRITE_PATH.length) : path;
}

/** The URL of an endpoint with another path. */
export function urlWith(endpoint: Endpoint, prefix: string): string {
  const { url, path } = endpoint;
  return url.slice(0, url.length - path.length) + prefix + path.slice(pathOf(endpoint).length);
}

/** Without parameters. */
function pathOf({ path }: Endpoint): string {
  return path.replace(/\?.*$/, '');
}

function merged(first: PathSet, second: PathSet): PathSet[] {
  if (first.prefix !== second.prefix) return [first, second];
  return [{ prefix: first.prefix, paths: [...first.paths, ...second.paths] }];
}
