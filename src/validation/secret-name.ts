import type { Check } from './shape';

const KINDS_OF_KEYS = 'api|auth|access|private|secret|licen[cs]e|signing|encryption|shared|account|routing|service';
const SECRET = new RegExp(
  `(pas+w(or)?d|(^|[-_.])pass|passphrase|secret|token|(${KINDS_OF_KEYS})[-_]?key|credentials?)$`,
  'i',
);

/** Whether the name of a variable or parameter says that its value is secret. */
export function namesSecret(name: string): boolean {
  return SECRET.test(name);
}

/** Whether the name of an HTTP header says that its value is secret. */
export function namesSecretHeader(name: string): boolean {
  return namesSecret(name) || /authorization|cookie/i.test(name);
}

/** Why a secret is refused. @param object where it would stand */
export function inTheClear(object: 'ConfigMap' | 'manifest'): string {
  return `looks like a secret, and would stand in the ${object} in the clear`;
}

const USER_PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/[^/@:?#\s]*:)[^/@?#\s]+@/gi;
const PARAMETER = /([?&])([^=&#\s]+)=([^&#\s]+)/g;

/** The text with *** for the passwords and the secret parameters of URLs in it; the same text where there are none. */
export function hideUrlSecrets(text: string): string {
  const withoutPasswords = text.replace(USER_PASSWORD, '$1***@');
  if (!/\b[a-z][a-z0-9+.-]*:\/\//i.test(text)) return withoutPasswords;
  return withoutPasswords.replace(PARAMETER, (found, mark: string, name: string) =>
    namesSecret(name) ? `${mark}${name}=***` : found,
  );
}

/** Refuses a text for a ConfigMap with a URL that carries a secret, without repeating it. */
export const withoutUrlSecret: Check = (value, prop, problems) => {
  const hidden = hideUrlSecrets(value as string);
  if (hidden === value) return value;
  problems.add({ prop, value: hidden, rule: inTheClear('ConfigMap'), fix: 'take it out of the URL' });
  return undefined;
};
