import type { Commands, RunOptions } from './commands';

/** A program that kind makes its nodes with. */
export type ContainerEngine = 'docker' | 'podman';

/** The oldest versions that do, as major and minor. */
const OLDEST = { kind: [0, 24], kubectl: [1, 27] } as const;

const HOW_TO_GET = {
  engine:
    'docker or podman: https://docs.docker.com/engine/install or https://podman.io/docs/installation; on a Debian ' +
    '`apt install podman`',
  kind: 'kind 0.24 or later, which enforces NetworkPolicies: https://kind.sigs.k8s.io/docs/user/quick-start#installation',
  kubectl: 'kubectl 1.27 or later: https://kubernetes.io/docs/tasks/tools',
};

/**
 * Finds out whether all programs are there that make a cluster.
 *
 * @throws Error that names all that are missing and says how to get them
 */
export async function findContainerEngine(commands: Commands, options: RunOptions): Promise<ContainerEngine> {
  const missing: string[] = [];
  let engine: ContainerEngine | undefined;
  const stopped: string[] = [];
  for (const candidate of ['docker', 'podman'] as const) {
    const { code, stdout, stderr } = await commands.run(candidate, ['info'], options);
    if (code === 0) {
      engine = candidate;
      break;
    }
    const reason = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '';
    if (code !== 127) stopped.push(`${candidate} is installed but does not answer: ${reason}`);
  }
  if (engine === undefined) missing.push(...(stopped.length > 0 ? stopped : [HOW_TO_GET.engine]));
  missing.push(...(await missingProgram('kind', ['version'], commands, options)));
  missing.push(...(await missingKubectl(commands, options)));
  if (missing.length > 0 || engine === undefined) throw new Error(needed(missing));
  return engine;
}

/** @throws Error that says how to get kubectl */
export async function requireKubectl(commands: Commands, options: RunOptions): Promise<void> {
  const missing = await missingKubectl(commands, options);
  if (missing.length > 0) throw new Error(needed(missing));
}

async function missingKubectl(commands: Commands, options: RunOptions): Promise<string[]> {
  return missingProgram('kubectl', ['version', '--client'], commands, options);
}

async function missingProgram(
  program: 'kind' | 'kubectl',
  args: readonly string[],
  commands: Commands,
  options: RunOptions,
): Promise<string[]> {
  const { code, stdout } = await commands.run(program, args, options);
  if (code !== 0) return [HOW_TO_GET[program]];
  const [version, major, minor] = /v(\d+)\.(\d+)[\w.+-]*/.exec(stdout) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST[program];
  const isNew = Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
  return isNew ? [] : [`${HOW_TO_GET[program]}; this is ${version ?? 'one that tells no version'}`];
}

function needed(missing: readonly string[]): string {
  return ['The smoke test needs', ...missing.map((what) => `- ${what}`)].join('\n');
}
