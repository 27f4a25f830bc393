import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Container, Volume, VolumeMount } from '../../../src';
import { expandVariables } from './localize';
import { SERVICE_ACCOUNT_PATH, serviceAccountFiles } from './service-account';

type Files = Readonly<Record<string, string>>;

/** Where the volumes of one pod come from. */
export interface VolumeSources {
  readonly pod: string;
  readonly namespace: string;
  readonly volumes: readonly Volume[];
  readonly claimTemplates: readonly string[];
  /** Whether the containers get what they need to use the Kubernetes API. */
  readonly serviceAccount: boolean;
  /** Files by `namespace/name`. */
  readonly configMaps: ReadonlyMap<string, Files>;
  /** Values that the test supplies, by the name of the Secret and the key. */
  readonly secrets: Readonly<Record<string, Files>>;
  /** The folder of the runner. */
  readonly workdir: string;
}

/** A mounted volume: its place on this machine, and its files where it consists of texts of the manifests. */
export interface Mount {
  readonly mountPath: string;
  readonly folder: string;
  readonly configFiles?: Files;
  readonly secretFiles?: Files;
  /** Whose edits the files follow. */
  readonly configMaps: readonly string[];
}

/** What is mounted, whole. */
type Source = Omit<Mount, 'mountPath' | 'configMaps'> & {
  readonly configMaps?: readonly string[];
  readonly isOfHost?: boolean;
};

/** The folders of one pod's volumes. */
export class PodVolumes {
  private serviceAccountFiles: Files | undefined;

  public constructor(private readonly sources: VolumeSources) {}

  /** Where the container finds its volumes. Claims and empty folders are made, files are not written yet. */
  public mounts({ name, volumeMounts = [] }: Container, env: Readonly<Record<string, string>>): Mount[] {
    const mounts = volumeMounts.map((mount) => this.mount(name, mount, env));
    const { serviceAccount, namespace } = this.sources;
    if (!serviceAccount || mounts.some(({ mountPath }) => mountPath === SERVICE_ACCOUNT_PATH)) return mounts;
    return [
      ...mounts,
      {
        mountPath: SERVICE_ACCOUNT_PATH,
        folder: join(this.podFolder, 'service-account', name),
        secretFiles: (this.serviceAccountFiles ??= serviceAccountFiles(namespace)),
        configMaps: [],
      },
    ];
  }

  /** Forgets what does not outlive the pod. */
  public discard(): void {
    rmSync(this.podFolder, { recursive: true, force: true });
  }

  /** The folder that is the root file system's stand-in: processes start there and must not write to it. */
  public rootFolder(): string {
    return makeFolder(this.root);
  }

  /** What processes wrote to the root file system's stand-in all the same. */
  public rootFiles(): string[] {
    return existsSync(this.root) ? readdirSync(this.root) : [];
  }

  private get root(): string {
    return join(this.podFolder, 'root');
  }

  private get podFolder(): string {
    const { workdir, namespace, pod } = this.sources;
    return join(workdir, 'pods', namespace, pod);
  }

  private mount(container: string, mount: VolumeMount, env: Readonly<Record<string, string>>): Mount {
    const { name, mountPath, readOnly = false } = mount;
    const source = this.source(container, name);
    const subPath = mount.subPath ?? expandVariables(mount.subPathExpr ?? '', env);
    const folder = join(source.folder, subPath);
    if (source.isOfHost) {
      const what = `${this.sources.pod}: the host path ${folder}`;
      if (!readOnly) throw new Error(`${what} is not mounted readOnly, and nothing may write to this machine`);
      if (!existsSync(folder)) throw new Error(`${what} does not exist on this machine`);
    } else if (subPath !== '' && !source.configFiles && !source.secretFiles) {
      makeFolder(folder);
    }
    return {
      mountPath: mountPath.replace(/(?<=.)\/$/, ''),
      folder,
      ...filesBelow(source, subPath),
      // The kubelet leaves alone what is mounted by a subPath.
      configMaps: subPath === '' ? (source.configMaps ?? []) : [],
    };
  }

  private source(container: string, name: string): Source {
    const { workdir, namespace, pod, volumes, claimTemplates } = this.sources;
    const claim = (claimName: string): Source => ({
      folder: makeFolder(join(workdir, 'claims', namespace, claimName)),
    });
    if (claimTemplates.includes(name)) return claim(`${name}-${pod}`);
    const volume = volumes.find((candidate) => candidate.name === name);
    if (!volume) throw new Error(`${pod}: mounts the volume ${name}, which it does not have`);
    if (volume.persistentVolumeClaim) return claim(volume.persistentVolumeClaim.claimName);
    if (volume.emptyDir) return { folder: makeFolder(join(this.podFolder, 'volumes', name)) };
    if (volume.hostPath) return { folder: volume.hostPath.path, isOfHost: true };
    // Texts are rewritten for the container that reads them, so that each has its own copy.
    const folder = join(this.podFolder, 'containers', container, name);
    const { configMap, secret, projected } = volume;
    if (configMap) return { folder, ...this.projection({ configMap }) };
    if (secret) return { folder, ...this.projection({ secret: { ...secret, name: secret.secretName } }) };
    const parts = (projected as { readonly sources?: readonly Projection[] } | undefined)?.sources ?? [];
    if (parts.length === 0 || parts.some((part) => !part.configMap && !part.secret)) {
      throw new Error(`${pod}: the runner cannot provide the volume ${name}: ${JSON.stringify(volume)}`);
    }
    const found = parts.map((part) => this.projection(part));
    return {
      folder,
      configFiles: Object.assign({}, ...found.map(({ configFiles }) => configFiles)) as Files,
      secretFiles: Object.assign({}, ...found.map(({ secretFiles }) => secretFiles)) as Files,
      configMaps: found.flatMap(({ configMaps = [] }) => configMaps),
    };
  }

  private projection({ configMap, secret }: Projection): Omit<Source, 'folder'> {
    const { pod, namespace, configMaps, secrets } = this.sources;
    if (configMap) {
      const { name } = configMap;
      const files = chosen(`${pod}: the ConfigMap ${name}`, configMaps.get(`${namespace}/${name}`), configMap);
      return { configFiles: files, configMaps: [name] };
    }
    return secret ? { secretFiles: chosen(`${pod}: the Secret ${secret.name}`, secrets[secret.name], secret) } : {};
  }
}

/** A source of a projected volume, as far as the runner knows it. */
interface Projection {
  readonly configMap?: FileSelection & { readonly name: string };
  readonly secret?: FileSelection & { readonly name: string };
}

interface FileSelection {
  readonly items?: readonly { readonly key: string; readonly path: string }[];
  readonly optional?: boolean;
}

function chosen(what: string, files: Files | undefined, { items, optional = false }: FileSelection): Files {
  if (!files) {
    if (optional) return {};
    throw new Error(`${what} is mounted and does not exist; the values of Secrets are given to the runner by the test`);
  }
  if (!items) return files;
  return Object.fromEntries(
    items.flatMap(({ key, path }) => {
      const text = files[key];
      if (text === undefined && !optional) throw new Error(`${what} has no key ${key}`);
      return text === undefined ? [] : [[path, text]];
    }),
  );
}

/** `subPath` chooses one file, or a folder of them. */
function filesBelow({ configFiles, secretFiles }: Source, subPath: string): Pick<Mount, 'configFiles' | 'secretFiles'> {
  const below = (files: Files | undefined): Files | undefined => {
    if (!files || subPath === '') return files;
    return Object.fromEntries(
      Object.entries(files)
        .filter(([path]) => path === subPath || path.startsWith(`${subPath}/`))
        .map(([path, text]) => [path.slice(subPath.length + 1), text]),
    );
  };
  return { configFiles: below(configFiles), secretFiles: below(secretFiles) };
}

/**
 * Makes the files of a mount what they should be: changed ones are replaced at once, as a whole, others not touched.
 *
 * @param rewrite for texts of the manifests; Secrets are written as they are
 */
export function writeFiles({ folder, configFiles, secretFiles }: Mount, rewrite: (text: string) => string): void {
  if (!configFiles && !secretFiles) return;
  const rewritten = Object.entries(configFiles ?? {}).map(([path, text]) => [path, rewrite(text)] as const);
  const files = new Map(
    [...rewritten, ...Object.entries(secretFiles ?? {})].map(([path, text]) => [join(folder, path), text]),
  );
  for (const [file, text] of files) {
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    const fresh = join(makeFolder(dirname(file)), `..${basename(file)}.new`);
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, file);
  }
  for (const file of filesIn(folder)) if (!files.has(file)) rmSync(file);
}

function filesIn(path: string): string[] {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
