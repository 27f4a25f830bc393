import { createHash } from 'node:crypto';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Problems } from '../validation';

/** The API server refuses a larger object. */
const OBJECT_LIMIT_BYTES = 1024 * 1024;

/** What the metadata of a ConfigMap, with the copy that `kubectl apply` keeps of it, may need beside the data. */
const METADATA_BYTES = 16 * 1024;

/** File name to content. */
export type Files = Readonly<Record<string, string>>;

/** A ConfigMap whose files a pod reads. */
export function configMap(
  scope: Construct,
  id: string,
  metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  files: Files,
  problems: Problems,
): ApiObject {
  for (const name of Object.keys(files)) {
    problems.when(!/^[-._a-zA-Z0-9]{1,253}$/.test(name), {
      prop: 'files',
      value: name,
      rule: 'the name of a file in a ConfigMap consists of letters, digits, -, _ and .',
      fix: 'rename the file',
    });
  }
  const bytes = Object.entries(files).reduce((sum, [name, text]) => sum + name.length + Buffer.byteLength(text), 0);
  problems.when(bytes > OBJECT_LIMIT_BYTES - METADATA_BYTES, {
    prop: 'files',
    value: Object.keys(files).join(', '),
    rule: `${bytes} bytes do not fit into the ConfigMap ${metadata.name}: Kubernetes refuses objects above 1 MiB`,
    fix: 'split the files over several calls, or shorten them',
  });
  return new ApiObject(scope, id, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: files });
}

/** Changes whenever a file changes, whatever the order of the files. */
export function checksum(files: Files): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(files).sort()) hash.update(JSON.stringify([name, files[name]]));
  return hash.digest('hex');
}
