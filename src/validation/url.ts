import { hideUrlSecrets } from './secret-name';
import type { Check } from './shape';

/** Checks where users reach a page, for links. @param example of such a URL */
export function externalUrl(example: string): Check {
  return (value, prop, problems) => {
    if (isPlainUrl(value)) return value;
    problems.add({
      prop,
      value: typeof value === 'string' ? hideUrlSecrets(value) : value,
      rule: 'must be a URL of http or https, without credentials and parameters',
      fix: `write for example '${example}'`,
    });
    return undefined;
  };
}

function isPlainUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}
