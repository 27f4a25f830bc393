import { all, anyText, rule, type Check } from '../validation';
import { regexCheck } from './fields';

const RESERVED = '\\s{}!=~,\\\\"\'`';
const QUOTED = '"(?:[^"\\\\\\n]|\\\\.)*"';
const WORD = `[^${RESERVED}]+`;
const MATCHER = new RegExp(`\\s*(${WORD}|${QUOTED})\\s*(=~|!~|!=|=)\\s*(${QUOTED}|${WORD})\\s*`, 'y');

/** One comparison of a label. */
interface Matcher {
  readonly operator: string;
  readonly value: string;
}

/**
 * The comparisons of a line like `severity="critical", team=~"a|b"`; nothing where it is none. Of what the older of
 * Alertmanager's two parsers reads, some is not read by the newer one, and is refused.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#matcher
 */
function parseMatchers(line: string): Matcher[] | undefined {
  const braced = /^\s*\{(.*)\}\s*$/s.exec(line)?.[1];
  const list = (braced ?? line).replace(/,\s*$/, '');
  const found: Matcher[] = [];
  MATCHER.lastIndex = 0;
  for (;;) {
    const [whole, , operator = '', value = ''] = MATCHER.exec(list) ?? [];
    if (whole === undefined) return undefined;
    found.push({ operator, value: unquote(value) });
    if (MATCHER.lastIndex === list.length) return found;
    if (list[MATCHER.lastIndex] !== ',') return undefined;
    MATCHER.lastIndex++;
  }
}

/** Another letter keeps its backslash, as `\.` of a regular expression: the older of the parsers has it so. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(["\\n])/g, (_whole, letter: string) => (letter === 'n' ? '\n' : letter));
}

/** One line of `matchers`. */
export const matcherCheck: Check = all(
  anyText,
  rule(
    (value) => parseMatchers(value as string) !== undefined,
    'is no matcher: a label, one of =, !=, =~, !~, and a value in double quotes',
    `write for example 'severity="critical"'`,
  ),
  (value, prop, problems) => {
    for (const matcher of parseMatchers(value as string) ?? []) {
      if (matcher.operator.includes('~')) regexCheck(matcher.value, prop, value, problems);
    }
    return value;
  },
);
