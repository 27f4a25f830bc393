import { hideUrlSecrets, inTheClear, namesSecretHeader, type Problems } from '../validation';

/** `$`s before a brace, and what is in it: an odd number of them makes it a reference, an even number escapes it. */
const REFERENCE = /(\$+)\{([^{}]*)\}/g;

/** What the config takes from elsewhere, without the braces: `env:NAME`. */
function referencesIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].flatMap(([, signs = '', reference = '']) =>
    signs.length % 2 === 1 ? [reference] : [],
  );
}

/** The text without its references. A reference with a default holds a text of its own. */
function withoutReferences(text: string): string {
  return text.replace(REFERENCE, (whole, signs: string, reference: string) =>
    signs.length % 2 === 1 && !reference.includes(':-') ? '' : whole,
  );
}

/** Every text below a value, with the prop that it stands at and the key that names it. */
function textsOf(value: unknown, prop: string, key = ''): { prop: string; key: string; text: string }[] {
  if (typeof value === 'string') return [{ prop, key, text: value }];
  // The items of a list `tokens` are tokens.
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => textsOf(item, `${prop}[${index}]`, key.replace(/s$/, '')));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => textsOf(item, `${prop}['${name}']`, name));
}

/** Words that begin what an HTTP header says, before the secret. */
const SCHEMES = /^(?:(?:basic|bearer)\s*)?$/i;

function isSecret(key: string, text: string): boolean {
  const rest = withoutReferences(text).trim();
  if (namesSecretHeader(key)) return !SCHEMES.test(rest);
  // A password file of HTTP basic auth, line by line.
  if (key === 'inline') return /:\S/.test(rest);
  return hideUrlSecrets(rest) !== rest;
}

export function checkNoSecrets(value: unknown, prop: string, problems: Problems): void {
  for (const { prop: place, key, text } of textsOf(value, prop)) {
    problems.when(isSecret(key, text), {
      prop: place,
      value: '***',
      rule: inTheClear('ConfigMap'),
      fix: "write '${env:NAME}', and `env: [{ name: 'NAME', valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } } }]`",
    });
  }
}

/** Every reference must lead to something: the collector makes nothing of a variable that is not set. */
export function checkReferences(
  value: unknown,
  prop: string,
  variables: ReadonlySet<string>,
  problems: Problems,
): void {
  for (const { prop: place, text } of textsOf(value, prop)) {
    for (const reference of referencesIn(text)) {
      const [, scheme = 'env', target = ''] = /^(?:([A-Za-z][\w+.-]+):)?(.*)$/s.exec(reference) ?? [];
      const [name = '', fallback] = target.split(':-');
      problems.when(scheme !== 'env' && scheme !== 'file', {
        prop: place,
        value: `\${${reference}}`,
        rule: 'the config must not come from elsewhere: only variables and files are known here',
        fix: 'write ${env:NAME} or ${file:/path}, or $${ where braces are meant',
      });
      problems.when(scheme === 'env' && fallback === undefined && !variables.has(name), {
        prop: place,
        value: `\${${reference}}`,
        rule: 'there is no such variable, and the collector would put nothing there',
        fix: `add ${/^\w+$/.test(name) ? name : 'it'} to \`env\`, or write $\${ where braces are meant`,
      });
    }
  }
}
