import type { SecretRef } from '../values';
import { secretPath, type EnvVar } from '../workload';

/**
 * Data sources name their secrets by variables: only those are put in as they are, while Grafana would look for
 * variables in the content of a `$__file{...}` once more, and a password may have a $.
 *
 * The name is made of the Secret and the key, so that a pod of an earlier rollout, should it start again with the new
 * files, never sends one secret for another.
 */
function variable(ref: SecretRef): string {
  return `GF_SECRET_${identifier(ref.secretName)}__${identifier(ref.key)}`;
}

/** Letters, digits and _; different texts stay different. */
function identifier(text: string): string {
  return text.replace(/[^a-zA-Z0-9]/g, (character) => `_${character.charCodeAt(0).toString(16)}`);
}

/** What Grafana replaces by the secret. */
export function placeholder(ref: SecretRef): string {
  return `$${variable(ref)}`;
}

/**
 * A variable that gets its value from a mounted Secret: the image reads the file and leaves out the line break at its
 * end, which Secrets often have.
 */
export function fromFile(name: string, ref: SecretRef): EnvVar {
  return { name: `${name}__FILE`, value: secretPath(ref) };
}

/** The variables of the placeholders, sorted by name. */
export function secretVariables(refs: readonly SecretRef[]): EnvVar[] {
  const byName = new Map(refs.map((ref) => [variable(ref), ref]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, ref]) => fromFile(name, ref));
}
