import { Yaml } from 'cdk8s';
import type { Access } from './access';

const INTRODUCTION = '# Who may ask for what. What stands in %{...} comes from the environment of the pod.\n';

/** The config of vmauth. */
export function configFile(accesses: readonly Access[]): string {
  const users = accesses.filter(({ name }) => name !== undefined).map((user) => user.render());
  const everybody = accesses.find(({ name }) => name === undefined)?.render();
  // Through JSON, which leaves out what is not set.
  const text = JSON.stringify({ users: users.length > 0 ? users : undefined, unauthorized_user: everybody });
  const config = JSON.parse(text, onceForAll('src_paths')) as object;
  return INTRODUCTION + literalSecrets(Yaml.stringify(config));
}

/** Makes equal values of a field one, which YAML writes once, with an alias wherever it comes again. */
function onceForAll(field: string): (name: string, value: unknown) => unknown {
  const known = new Map<string, unknown>();
  return (name, value) => {
    if (name !== field) return value;
    const key = JSON.stringify(value);
    const first = known.get(key) ?? value;
    known.set(key, first);
    return first;
  };
}

/**
 * vmauth puts the secrets into the text before it reads it as YAML. In a literal block every character stands for
 * itself, and a line break at the end, which Secrets often have, does not count.
 */
function literalSecrets(yaml: string): string {
  return yaml.replace(
    /^( *)(- |\w+: )"([^"\n]*%\{SECRET_[^"\n]*)"$/gm,
    (_line, indent: string, key: string, text: string) => `${indent}${key}|2-\n${indent}  ${text}`,
  );
}
