import type { SecretRef } from '../values';
import type { EnvVar } from '../workload';

/**
 * vmauth has no files for secrets: it puts variables of its environment into the text of its config. The name is made
 * of the Secret and the key, so that a pod of an earlier rollout, which reads the new config as well, never takes one
 * secret for another. Names of Secrets have no underscore, which keeps the names apart.
 */
function variable(ref: SecretRef): string {
  return `SECRET_${ref.secretName}_${ref.key}`;
}

function sign(ref: SecretRef): string {
  return `IS_${ref.secretName}_${ref.key}_SET`;
}

/** What vmauth replaces by the secret. */
export function placeholder(ref: SecretRef): string {
  return `%{${variable(ref)}}`;
}

/**
 * What vmauth replaces by nothing where the pod has the secrets. A pod of an earlier rollout has not those of new users,
 * and would take the text of the placeholder for the password. With this in front of a value that vmauth checks it
 * refuses the config, and goes on with the one before.
 */
export function guard(refs: readonly SecretRef[]): string {
  return distinct(refs)
    .map((ref) => `%{${sign(ref)}}`)
    .join('');
}

/** The variables of both. */
export function secretVariables(refs: readonly SecretRef[]): EnvVar[] {
  return distinct(refs).flatMap((ref) => [
    { name: variable(ref), valueFrom: { secretKeyRef: { name: ref.secretName, key: ref.key } } },
    { name: sign(ref) },
  ]);
}

/** Sorted by name. */
function distinct(refs: readonly SecretRef[]): SecretRef[] {
  const byName = new Map(refs.map((ref) => [variable(ref), ref]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ref]) => ref);
}
