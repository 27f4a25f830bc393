import { listOf, rule, type Check } from './shape';

/** A list whose items are told by their name, where they have one. @param keys the fields that may hold it */
export function namedListOf(check: Check, ...keys: readonly string[]): Check {
  return listOf(check, (item, index) => {
    const fields = (item ?? {}) as Readonly<Record<string, unknown>>;
    const name = keys.map((key) => fields[key]).find((one) => typeof one === 'string' && one !== '');
    return typeof name === 'string' ? `'${name}'` : index;
  });
}

/** Checks a rule of a rule file, of vmalert or of Prometheus, by what it is. */
export function ruleCheck(alerting: Check, recording: Check): Check {
  return (value, prop, problems) => {
    const { alert, record } = (value ?? {}) as { readonly alert?: unknown; readonly record?: unknown };
    if ((alert === undefined) !== (record === undefined)) {
      return (alert === undefined ? recording : alerting)(value, prop, problems);
    }
    problems.add({
      prop,
      value,
      rule: 'a rule either alerts or records',
      fix: `${alert === undefined ? 'set' : 'keep'} one of \`alert\` and \`record\``,
    });
    return undefined;
  };
}

/** The `record` of a rule. */
export const recordCheck: Check = rule(
  (value) => typeof value === 'string' && /^[a-zA-Z_:][\w:]*$/.test(value),
  'the name of a series consists of letters, digits, _ and :, no digit first',
  "write for example 'job:http_requests:rate5m'",
);
