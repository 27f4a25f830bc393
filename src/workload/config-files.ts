import { createHash } from 'node:crypto';
import { ApiObject, Lazy, Yaml } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Problem, Problems } from '../validation';
import { isDataKey } from '../values';

/** The API server refuses a ConfigMap with more data. */
const CONFIG_MAP_LIMIT_BYTES = 1024 * 1024;

/** `kubectl apply` keeps a copy of the object, as JSON, in an annotation, and the API server refuses longer ones. */
const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

/** More than name, labels and annotations of a ConfigMap of ours need. */
const METADATA_BYTES = 4 * 1024;

/** The most that a file may have; its name and the rest of its ConfigMap need some bytes as well. */
export const LARGEST_FILE_BYTES = CONFIG_MAP_LIMIT_BYTES - 300;

const KEEPS_A_COPY = 'keeps a copy in an annotation of at most 256 KiB';
const SAY_SERVER_SIDE = 'apply server-side and say so with `StackDefaults.set(chart, { serverSideApply: true })`';

/** File name to content. */
export type Files = Readonly<Record<string, string>>;

/** The text of a YAML file. What is not set is left out: a null would be a value to the program that reads it. */
export function yamlText(content: object): string {
  return Yaml.stringify(JSON.parse(JSON.stringify(content)));
}

/** The text for a program that puts in variables, and reads `$$` as `$`. */
export function doubleDollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** How the pods get to know of a change of their files. */
export interface ConfigFilesOptions {
  /**
   * Whether the process reads the files again by itself. It sees a change about a minute later; the pods are not rolled.
   *
   * @default false
   */
  readonly reloaded?: boolean;
  /**
   * Whether the files are spread over several ConfigMaps where one cannot hold them; the process sees one folder. How
   * many there are is settled at once, so that files must be given as they are, and not by a function.
   *
   * @default false
   */
  readonly split?: boolean;
}

/**
 * The files of each of as few ConfigMaps as are needed. A file keeps its place as long as those before it in the order
 * of names do not grow over a limit.
 */
export function splitFiles(files: Files, serverSideApply: boolean): Files[] {
  const limit = roomFor(serverSideApply);
  const parts: Record<string, string>[] = [];
  let room = 0;
  for (const name of Object.keys(files).sort()) {
    const text = files[name]!;
    const bytes = bytesOf(name, text);
    if (parts.length === 0 || bytes > room) {
      parts.push({});
      room = limit;
    }
    parts.at(-1)![name] = text;
    room -= bytes;
  }
  return parts.length > 0 ? parts : [files];
}

/** Whether one ConfigMap can hold the files. */
export function fitOneConfigMap(files: Files, serverSideApply: boolean): boolean {
  const bytes = Object.entries(files).reduce((sum, [name, text]) => sum + bytesOf(name, text), 0);
  return bytes <= roomFor(serverSideApply);
}

/** What is wrong with files that no ConfigMap can hold. @param fix what helps besides a server-side apply */
export function tooLargeFor(verb: 'do' | 'does', fix: string, serverSideApply: boolean): Pick<Problem, 'rule' | 'fix'> {
  const rule = `${verb} not fit into a ConfigMap`;
  if (serverSideApply) return { rule, fix };
  return { rule: `${rule}, of which kubectl apply ${KEEPS_A_COPY}`, fix: `${fix}, or ${SAY_SERVER_SIDE}` };
}

function roomFor(serverSideApply: boolean): number {
  return (serverSideApply ? CONFIG_MAP_LIMIT_BYTES : ANNOTATIONS_LIMIT_BYTES) - METADATA_BYTES;
}

/** As JSON, which is what the limits are about: in the annotation quotes and line breaks take two characters. */
function bytesOf(name: string, text: string): number {
  return Buffer.byteLength(JSON.stringify([name, text]));
}

/** A ConfigMap whose files a pod reads. @param files asked for when all wiring is done */
export function configMap(
  scope: Construct,
  id: string,
  metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  files: () => Files,
  serverSideApply: boolean,
  problems: Problems,
): ApiObject {
  problems.later((late) => checkFiles(metadata.name, files(), serverSideApply, late));
  return new ApiObject(scope, id, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: Lazy.any({ produce: files }) as unknown,
  });
}

function checkFiles(configMapName: string, files: Files, serverSideApply: boolean, problems: Problems): void {
  for (const name of Object.keys(files)) {
    problems.when(!isDataKey(name), {
      prop: 'files',
      value: name,
      rule: 'the name of a file in a ConfigMap consists of letters, digits, -, _ and .',
      fix: 'rename the file',
    });
  }
  checkSize(configMapName, files, serverSideApply, problems);
}

function checkSize(name: string, files: Files, serverSideApply: boolean, problems: Problems): void {
  const bytes = Object.entries(files).reduce((sum, [file, text]) => sum + file.length + Buffer.byteLength(text), 0);
  const applied = Buffer.byteLength(JSON.stringify(files)) + METADATA_BYTES;
  if (bytes > CONFIG_MAP_LIMIT_BYTES) {
    problems.add({
      prop: 'files',
      value: Object.keys(files).join(', '),
      rule: `${bytes} bytes do not fit into the ConfigMap ${name}: Kubernetes takes 1 MiB`,
      fix: 'split the files over several calls, or shorten them',
    });
  } else if (applied > ANNOTATIONS_LIMIT_BYTES && !serverSideApply) {
    problems.add({
      prop: 'files',
      value: Object.keys(files).join(', '),
      rule: `${bytes} bytes make the ConfigMap ${name} too large for kubectl apply, which ${KEEPS_A_COPY}`,
      fix: `split the files over several calls, or ${SAY_SERVER_SIDE}`,
    });
  }
}

/** Changes whenever a file changes, whatever the order of the files. */
export function checksum(files: Files): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(files).sort()) hash.update(JSON.stringify([name, files[name]]));
  return hash.digest('hex');
}
