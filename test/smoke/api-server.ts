import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'yaml';
import type { Manifest } from '../manifests/manifest';

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const RESOURCES: Readonly<Record<string, readonly Resource[]>> = {
  v1: [
    { name: 'namespaces', kind: 'Namespace', namespaced: false },
    { name: 'configmaps', kind: 'ConfigMap', namespaced: true },
    { name: 'services', kind: 'Service', namespaced: true },
    { name: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
    { name: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', namespaced: true },
  ],
  'apps/v1': [
    { name: 'daemonsets', kind: 'DaemonSet', namespaced: true },
    { name: 'deployments', kind: 'Deployment', namespaced: true },
    { name: 'statefulsets', kind: 'StatefulSet', namespaced: true },
  ],
  'networking.k8s.io/v1': [{ name: 'networkpolicies', kind: 'NetworkPolicy', namespaced: true }],
  'policy/v1': [{ name: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespaced: true }],
  'rbac.authorization.k8s.io/v1': [
    { name: 'clusterroles', kind: 'ClusterRole', namespaced: false },
    { name: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
    { name: 'roles', kind: 'Role', namespaced: true },
    { name: 'rolebindings', kind: 'RoleBinding', namespaced: true },
  ],
};

/** What one request asked for. */
export interface ApplyRequest {
  readonly object: string;
  readonly contentType: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

/** An object as it was applied, and as it is stored. */
interface Entry {
  readonly applied: string;
  readonly stored: Manifest;
}

/** An HTTP status and a body; no body for a watch that stays open. */
type Answer = readonly [status: number, body?: object];

/** A status that says that everything runs, for any workload. */
const READY_STATUS = {
  availableReplicas: 99,
  currentNumberScheduled: 1,
  currentRevision: 'one',
  desiredNumberScheduled: 1,
  numberAvailable: 1,
  observedGeneration: 1,
  readyReplicas: 99,
  replicas: 99,
  updateRevision: 'one',
  updatedNumberScheduled: 1,
  updatedReplicas: 99,
};

/**
 * As much of an API server as kubectl needs to apply, compare, list, wait and delete. It stores what is applied and
 * starts nothing; every workload is ready at once. It does not know the fields of objects.
 */
export class ApiServer {
  public static async start(): Promise<ApiServer> {
    const server = new ApiServer();
    await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** By path. */
  public readonly objects = new Map<string, Entry>();
  public readonly applied: ApplyRequest[] = [];
  /** Says why an object is refused. @default - none is */
  public refuse: (object: Manifest) => string | undefined = () => undefined;
  /** Whether an object gets a new version when nothing in it changes. */
  public rewrites = false;

  private version = 0;
  private readonly server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => send(response, this.answer(request, body)));
  });

  public get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer({ method, url = '/', headers }: IncomingMessage, body: string): Answer {
    const { pathname, searchParams } = new URL(url, this.url);
    const parameters = Object.fromEntries(searchParams);
    const discovered = discover(pathname);
    if (discovered) return [200, discovered];
    switch (method) {
      case 'PATCH': {
        const object = parse(body) as Manifest;
        const title = `${object.kind} ${object.metadata.name}`;
        this.applied.push({ object: title, contentType: headers['content-type'], parameters });
        const refusal = this.refuse(object);
        if (refusal !== undefined) return failure(422, 'Invalid', refusal);
        return [200, this.apply(pathname, object, parameters.dryRun === 'All')];
      }
      case 'DELETE':
        this.objects.delete(pathname);
        return [200, { kind: 'Status', apiVersion: 'v1', status: 'Success' }];
      default: {
        const entry = this.objects.get(pathname);
        return entry ? [200, entry.stored] : this.list(pathname, parameters);
      }
    }
  }

  private list(pathname: string, { watch, fieldSelector = '' }: Readonly<Record<string, string>>): Answer {
    const collection = findResource(pathname);
    if (!collection) return failure(404, 'NotFound', `${pathname} not found`);
    // Nothing ever happens.
    if (watch === 'true') return [200];
    const name = /^metadata\.name=(.*)$/.exec(fieldSelector)?.[1];
    const items = [...this.objects]
      .filter(([path]) => path.startsWith(`${pathname}/`) && (name === undefined || path.endsWith(`/${name}`)))
      .map(([, { stored }]) => stored);
    const metadata = { resourceVersion: String(this.version) };
    return [200, { kind: `${collection.kind}List`, apiVersion: collection.apiVersion, metadata, items }];
  }

  private apply(path: string, object: Manifest, dryRun: boolean): Manifest {
    const applied = JSON.stringify(object);
    const old = this.objects.get(path);
    if (old?.applied === applied && !this.rewrites) return old.stored;
    const resourceVersion = dryRun ? (old?.stored.metadata.resourceVersion ?? '') : String(++this.version);
    const stored: Manifest = {
      ...object,
      metadata: Object.assign({}, object.metadata, { uid: `uid of ${path}`, generation: 1, resourceVersion }),
      ...(object.apiVersion === 'apps/v1' ? { status: READY_STATUS } : {}),
    };
    if (!dryRun) this.objects.set(path, { applied, stored });
    return stored;
  }
}

function send(response: ServerResponse, [status, body]: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  if (body) response.end(JSON.stringify(body));
  else response.flushHeaders();
}

function failure(code: number, reason: string, message: string): Answer {
  return [code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }];
}

function findResource(pathname: string): { readonly kind: string; readonly apiVersion: string } | undefined {
  for (const [apiVersion, resources] of Object.entries(RESOURCES)) {
    const root = rootOf(apiVersion);
    const last = pathname.split('/').at(-1);
    const found = pathname.startsWith(`${root}/`) && resources.find(({ name }) => name === last);
    if (found) return { kind: found.kind, apiVersion };
  }
  return undefined;
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** What kubectl asks first: which kinds there are, and whether fields are validated. */
function discover(pathname: string): object | undefined {
  if (pathname === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (pathname === '/apis') {
    const groups = Object.keys(RESOURCES)
      .filter((apiVersion) => apiVersion.includes('/'))
      .map((groupVersion) => {
        const [name, version] = groupVersion.split('/');
        return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
      });
    return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  }
  if (pathname === '/openapi/v3') {
    const roots = Object.keys(RESOURCES).map(rootOf);
    const paths = roots.map((root) => [root.slice(1), { serverRelativeURL: `/openapi/v3${root}` }]);
    return { paths: Object.fromEntries(paths) as object };
  }
  const described = Object.entries(RESOURCES).find(([apiVersion]) => `/openapi/v3${rootOf(apiVersion)}` === pathname);
  if (described) return { openapi: '3.0.0', info: {}, paths: describe(...described) };
  const found = Object.entries(RESOURCES).find(([apiVersion]) => rootOf(apiVersion) === pathname);
  if (!found) return undefined;
  const [groupVersion, resources] = found;
  const verbs = ['delete', 'get', 'list', 'patch', 'watch'];
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: resources.map((resource) => ({ ...resource, singularName: '', verbs })),
  };
}

/** That every kind can be patched with field validation, which is all that kubectl looks for. */
function describe(apiVersion: string, resources: readonly Resource[]): object {
  const [version, group = ''] = apiVersion.split('/').reverse();
  return Object.fromEntries(
    resources.map(({ name, kind }) => {
      const patch = {
        parameters: [{ name: 'fieldValidation', in: 'query' }],
        'x-kubernetes-action': 'patch',
        'x-kubernetes-group-version-kind': { group, version, kind },
      };
      return [`${rootOf(apiVersion)}/${name}/{name}`, { patch }];
    }),
  );
}
