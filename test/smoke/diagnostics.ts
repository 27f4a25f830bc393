import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './commands';
import type { Kubectl } from './kubectl';

const LOG_LINES = 2000;

/** What kubectl knows about the namespaces, in files. What cannot be had says why in its file. */
export async function collectDiagnostics(
  kubectl: Kubectl,
  namespaces: readonly string[],
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const save = (name: string, { stdout, stderr }: Outcome): void =>
    writeFileSync(join(folder, name), [stdout, stderr].filter(Boolean).join('\n'));

  save('nodes.txt', await kubectl.report('describe', 'nodes'));
  for (const namespace of namespaces) {
    const inNamespace = `--namespace=${namespace}`;
    const overview = 'pods,persistentvolumeclaims,statefulsets,deployments,daemonsets,services,endpointslices';
    save(`${namespace}-overview.txt`, await kubectl.report('get', overview, inNamespace, '--output=wide'));
    save(`${namespace}-pods.txt`, await kubectl.report('describe', 'pods,persistentvolumeclaims', inNamespace));
    save(
      `${namespace}-events.txt`,
      await kubectl.report('get', 'events', inNamespace, '--sort-by=.metadata.creationTimestamp', '--output=wide'),
    );
    const pods = await kubectl.report('get', 'pods', inNamespace, '--output=name');
    for (const pod of pods.stdout.split('\n').filter(Boolean)) {
      const name = pod.replace(/^pod\//, '');
      const args = ['logs', name, inNamespace, '--all-containers', '--prefix', `--tail=${LOG_LINES}`];
      save(`${namespace}-${name}.log`, await kubectl.report(...args));
      const previous = await kubectl.report(...args, '--previous');
      if (previous.code === 0 && previous.stdout !== '') save(`${namespace}-${name}-previous.log`, previous);
    }
  }
}
