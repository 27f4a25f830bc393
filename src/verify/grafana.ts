import { parseAllDocuments } from 'yaml';
import { hintsOf } from './hints';
import type { Pod } from './kubernetes';
import { Failure, Skip } from './report';
import type { Session } from './session';
import { brief, type Stack } from './stack';

interface DatasourceFile {
  readonly datasources?: readonly { readonly uid: string; readonly name: string; readonly type: string }[];
}

/** What answers with 200 where Grafana reaches a data source, by its type. Grafana's own check knows no Alertmanager. */
const CHECKS: Readonly<Record<string, (uid: string) => string>> = {
  prometheus: healthOf,
  'victoriametrics-metrics-datasource': healthOf,
  alertmanager: (uid) => `/api/datasources/proxy/uid/${uid}/api/v2/status`,
};

/** Grafana is well, reaches its data sources and shows what was provisioned. */
export async function verifyGrafana(session: Session, stack: Stack): Promise<void> {
  for (const pod of await stack.find(session, 'grafana', 'grafana')) {
    const prefix =
      pod.containers.find(({ readinessPath }) => readinessPath)?.readinessPath?.replace(/\/api\/health$/, '') ?? '';
    const files = await filesOf(session, pod).catch(() => undefined);
    const failed = async (reason: string): Promise<Failure> =>
      new Failure(reason, await hintsOf(session.kubernetes, pod));
    await session.step('grafana', `${pod.name} is well`, async () => {
      const health = (await stack.json(pod, `${prefix}/api/health`)) as { readonly database?: string };
      if (health.database !== 'ok') throw await failed(`its database is ${health.database}`);
      return undefined;
    });
    await session.step('grafana', `data sources of ${pod.name} answer`, async () => {
      const all = provisionedDatasources(files);
      if (all.length === 0) throw new Skip('none is provisioned');
      const wrong: string[] = [];
      for (const { uid, name, type } of all) {
        const check = CHECKS[type];
        if (!check) continue;
        const { status, text } = await stack.request(pod, `${prefix}${check(uid)}`);
        if (status !== 200) wrong.push(`${name} (${type}, uid ${uid}) answered ${status}: ${brief(text)}`);
      }
      if (wrong.length > 0) throw await failed(wrong.join('\n'));
      const without = all.filter(({ type }) => !CHECKS[type]);
      const names = without.map(({ name, type }) => `; ${name} (${type}) has no check in Grafana`);
      return `${all.length - without.length}${names.join('')}`;
    });
    await session.step('grafana', `dashboards of ${pod.name} are there`, async () => {
      const expected = provisionedDashboards(files);
      if (expected.size === 0) throw new Skip('none is provisioned');
      const wrong = await session.until(session.patience.visible, async () => {
        const found = (await stack.json(pod, `${prefix}/api/search?type=dash-db&limit=5000`)) as { uid: string }[];
        const uids = new Set(found.map(({ uid }) => uid));
        const missing = [...expected].filter(([uid]) => !uids.has(uid));
        return missing.length === 0
          ? undefined
          : missing.map(([uid, title]) => `the dashboard ${title} (uid ${uid}) is missing`).join('\n');
      });
      if (wrong !== undefined) throw await failed(wrong);
      return `${expected.size}`;
    });
  }
}

function healthOf(uid: string): string {
  return `/api/datasources/uid/${uid}/health`;
}

/** The files of all ConfigMaps that the pod mounts. */
async function filesOf({ kubernetes }: Session, pod: Pod): Promise<readonly (readonly [string, string])[]> {
  const maps = await Promise.all(pod.configMaps.map((name) => kubernetes.configMap(name)));
  return maps.flatMap((files) => Object.entries(files ?? {}));
}

type Files = Awaited<ReturnType<typeof filesOf>> | undefined;

function provisionedDatasources(files: Files): NonNullable<DatasourceFile['datasources']> {
  return known(files)
    .filter(([name]) => /\.ya?ml$/.test(name))
    .flatMap(([, text]) => parseAllDocuments(text).map((document) => document.toJS() as DatasourceFile | null))
    .flatMap((file) => file?.datasources ?? []);
}

/** Titles by uid. */
function provisionedDashboards(files: Files): ReadonlyMap<string, string> {
  const models = known(files)
    .filter(([name]) => name.endsWith('.json'))
    .map(([, text]) => JSON.parse(text) as { readonly uid?: string; readonly title?: string });
  return new Map(models.flatMap(({ uid, title = '' }) => (uid === undefined ? [] : [[uid, title] as const])));
}

function known(files: Files): NonNullable<Files> {
  if (files === undefined) throw new Skip('the ConfigMaps of the pod cannot be read');
  return files;
}
