import { Yaml } from 'cdk8s';
import type { Access } from './access';

const INTRODUCTION = '# Who may ask for what. What stands in %{...} comes from the environment of the pod.\n';

/** The config of vmauth. */
export function configFile(accesses: readonly Access[]): string {
  const users = accesses.filter(({ name }) => name !== undefined).map((user) => user.render());
  const everybody = accesses.find(({ name }) => name === undefined)?.render();
  // Through JSON, which leaves out what is not set.
  const config = JSON.parse(
    JSON.stringify({ users: users.length > 0 ? users : undefined, unauthorized_user: everybody }),
  ) as object;
  return INTRODUCTION + literalSecrets(Yaml.stringify(config));
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
