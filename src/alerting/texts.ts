import { hideUrlSecrets, rule, type Check } from '../validation';

/** Why a secret is refused. */
export const IN_THE_CLEAR = 'looks like a secret, and would stand in the ConfigMap in the clear';

/** A scalar of YAML that stands for a string. */
export const scalarText: Check = (value, prop, problems) => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return rule((item) => typeof item === 'string', 'must be a string', 'give a string')(value, prop, problems);
};

/** Refuses a text with a URL that carries a secret, without repeating it. */
export const withoutUrlSecret: Check = (value, prop, problems) => {
  const hidden = hideUrlSecrets(value as string);
  if (hidden === value) return value;
  problems.add({ prop, value: hidden, rule: IN_THE_CLEAR, fix: 'take it out of the URL' });
  return undefined;
};
