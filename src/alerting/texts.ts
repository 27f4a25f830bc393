import { hideUrlSecrets, rule, type Check } from '../validation';

/** Why a secret is refused. @param object what would hold it */
export function inTheClear(object: 'ConfigMap' | 'manifest'): string {
  return `looks like a secret, and would stand in the ${object} in the clear`;
}

/** A scalar of YAML that stands for a string. */
export const scalarText: Check = (value, prop, problems) => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return rule((item) => typeof item === 'string', 'must be a string', 'give a string')(value, prop, problems);
};

/** Refuses a text with a URL that carries a secret, without repeating it. */
export function withoutUrlSecret(object: 'ConfigMap' | 'manifest'): Check {
  return (value, prop, problems) => {
    const hidden = hideUrlSecrets(value as string);
    if (hidden === value) return value;
    problems.add({ prop, value: hidden, rule: inTheClear(object), fix: 'take it out of the URL' });
    return undefined;
  };
}
