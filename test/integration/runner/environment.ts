import type { Container } from '../../../src';
import { expandVariables } from './localize';
import type { VolumeSources } from './volumes';

/** What the downward API tells about a pod. */
export interface PodFields {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The variables of a container: as rendered, and as its process gets them. */
export interface Environment {
  /** For `$(NAME)` in args. */
  readonly rendered: Readonly<Record<string, string>>;
  readonly localized: Readonly<Record<string, string>>;
}

interface EnvFromSource {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
}

/**
 * @param rewrite for values of the manifests; those of Secrets and of the downward API stay as they are
 * @throws Error when a value comes from something that the runner cannot honour or does not have
 */
export function environment(
  container: Container,
  pod: PodFields,
  sources: Pick<VolumeSources, 'configMaps' | 'secrets'>,
  rewrite: (text: string) => string,
): Environment {
  const rendered: Record<string, string> = {};
  const localized: Record<string, string> = {};
  const set = (name: string, value: string, rewritten: boolean): void => {
    rendered[name] = value;
    localized[name] = rewritten ? rewrite(value) : value;
  };
  for (const { prefix = '', configMapRef, secretRef } of (container.envFrom ?? []) as readonly EnvFromSource[]) {
    const values = configMapRef
      ? sources.configMaps.get(`${pod.namespace}/${configMapRef.name}`)
      : sources.secrets[secretRef?.name ?? ''];
    const { name, optional = false } = configMapRef ?? secretRef ?? { name: '(none)' };
    if (!values && !optional) throw new Error(`${pod.name}: envFrom names ${name}, which does not exist`);
    for (const [key, value] of Object.entries(values ?? {})) set(`${prefix}${key}`, value, configMapRef !== undefined);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (!valueFrom) {
      set(name, expandVariables(value ?? '', rendered), true);
      continue;
    }
    const { configMapKeyRef, secretKeyRef, fieldRef } = valueFrom;
    const reference = configMapKeyRef ?? secretKeyRef;
    if (reference) {
      const values = configMapKeyRef
        ? sources.configMaps.get(`${pod.namespace}/${reference.name}`)
        : sources.secrets[reference.name];
      const found = values?.[reference.key];
      if (found !== undefined) set(name, found, configMapKeyRef !== undefined);
      else if (!reference.optional) {
        throw new Error(
          `${pod.name}: the variable ${name} wants ${reference.name}/${reference.key}, which does not exist`,
        );
      }
    } else if (fieldRef) {
      set(name, field(pod, fieldRef.fieldPath), false);
    } else {
      throw new Error(`${pod.name}: the runner cannot give the variable ${name}: ${JSON.stringify(valueFrom)}`);
    }
  }
  return { rendered, localized };
}

function field({ name, namespace, address, labels }: PodFields, path: string): string {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'status.podIP': address,
    'status.hostIP': address,
    'spec.nodeName': 'localhost',
  };
  const label = /^metadata\.labels\['([^']+)'\]$/.exec(path)?.[1];
  const value = label === undefined ? fields[path] : (labels[label] ?? '');
  if (value === undefined) throw new Error(`${name}: the runner does not know the field ${path}`);
  return value;
}
