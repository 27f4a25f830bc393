import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container, Volume, VolumeMount } from '../../../src';
import { expandVariables } from './localize';

type Files = Readonly<Record<string, string>>;

/** Where the volumes of one pod come from. */
export interface VolumeSources {
  readonly pod: string;
  readonly namespace: string;
  readonly volumes: readonly Volume[];
  readonly claimTemplates: readonly string[];
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
}

/** The folders of one pod's volumes. */
export class PodVolumes {
  public constructor(private readonly sources: VolumeSources) {}

  /** Where the container finds its volumes. Claims and empty folders are made, files are not written yet. */
  public mounts({ name, volumeMounts = [] }: Container, env: Readonly<Record<string, string>>): Mount[] {
    return volumeMounts.map((mount) => this.mount(name, mount, env));
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
    const { name, mountPath } = mount;
    const source = this.source(container, name);
    const subPath = mount.subPath ?? expandVariables(mount.subPathExpr ?? '', env);
    const folder = join(source.folder, subPath);
    if (subPath !== '' && !source.configFiles && !source.secretFiles) makeFolder(folder);
    return { mountPath: mountPath.replace(/(?<=.)\/$/, ''), folder, ...filesBelow(source, subPath) };
  }

  private source(container: string, name: string): Omit<Mount, 'mountPath'> {
    const { workdir, namespace, pod, volumes, claimTemplates, configMaps, secrets } = this.sources;
    const claim = (claimName: string): Omit<Mount, 'mountPath'> => ({
      folder: makeFolder(join(workdir, 'claims', namespace, claimName)),
    });
    if (claimTemplates.includes(name)) return claim(`${name}-${pod}`);
    const volume = volumes.find((candidate) => candidate.name === name);
    if (!volume) throw new Error(`${pod}: mounts the volume ${name}, which it does not have`);
    if (volume.persistentVolumeClaim) return claim(volume.persistentVolumeClaim.claimName);
    if (volume.emptyDir) return { folder: makeFolder(join(this.podFolder, 'volumes', name)) };
    // Texts are rewritten for the container that reads them, so that each has its own copy.
    const folder = join(this.podFolder, 'containers', container, name);
    const { configMap, secret } = volume;
    if (configMap) {
      const files = configMaps.get(`${namespace}/${configMap.name}`);
      return { folder, configFiles: chosen(`${pod}: the ConfigMap ${configMap.name}`, files, configMap) };
    }
    if (secret) {
      return {
        folder,
        secretFiles: chosen(`${pod}: the Secret ${secret.secretName}`, secrets[secret.secretName], secret),
      };
    }
    throw new Error(`${pod}: the runner cannot provide the volume ${name}: ${JSON.stringify(volume)}`);
  }
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
function filesBelow({ configFiles, secretFiles }: Omit<Mount, 'mountPath'>, subPath: string): Partial<Mount> {
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

/** Writes the files of a mount. @param rewrite for texts of the manifests; Secrets are written as they are */
export function writeFiles({ folder, configFiles, secretFiles }: Mount, rewrite: (text: string) => string): void {
  const write = (path: string, text: string): void => {
    const file = join(folder, path);
    makeFolder(dirname(file));
    writeFileSync(file, text, { mode: 0o600 });
  };
  for (const [path, text] of Object.entries(configFiles ?? {})) write(path, rewrite(text));
  for (const [path, text] of Object.entries(secretFiles ?? {})) write(path, text);
}

function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
