import type { Check } from './shape';

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const CLOSERS = Object.values(CLOSING);

/** A text in quotes as MetricsQL reads it, a comment up to the end of the line, or an escaped character of a name. */
const METRICSQL_OPAQUE = /(["'`])(?:(?!\1)[^\\]|\\.)*\1|#[^\n]*|\\./gs;

/** A text in quotes as PromQL reads it, which has no escapes between backticks, or a comment up to the end of the line. */
const PROMQL_OPAQUE = /(["'])(?:(?!\1)[^\\\n]|\\.)*\1|`[^`]*`|#[^\n]*/gs;

/**
 * What is wrong with the brackets and quotes of an expression; nothing where they fit. Whether it is MetricsQL in all
 * other respects only the server can tell.
 */
export function metricsQlProblem(expression: string): string | undefined {
  return bracketProblem(expression.replace(METRICSQL_OPAQUE, ' '));
}

/** The same for PromQL, of which only Prometheus can tell the rest. */
function promQlProblem(expression: string): string | undefined {
  return bracketProblem(expression.replace(PROMQL_OPAQUE, (text) => (text.startsWith('#') ? '' : '_')));
}

/** Checks a query of MetricsQL as far as `metricsQlProblem` can tell. */
export const metricsQlCheck: Check = checkOf(metricsQlProblem, 'query');

/** Checks a query of PromQL as far as `promQlProblem` can tell. */
export const promQlCheck: Check = checkOf(promQlProblem, 'query');

const TEMPLATE_COMMENT = /^\{\{(?:-\s)?\/\*.*?\*\/(?:\s-)?\}\}/s;
const TEMPLATE_ACTION = /^\{\{((?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[^"'`{}])*)\}\}/;
const TEMPLATE_OPAQUE = /(["'])(?:(?!\1)[^\\]|\\.)*\1|`[^`]*`/g;
const TEMPLATE_BLOCKS = ['if', 'range', 'with', 'block', 'define'];

/**
 * Why no program written in Go, such as vmalert or Alertmanager, would read a template, as far as its braces and blocks
 * tell; nothing where they fit.
 *
 * @see https://pkg.go.dev/text/template
 */
export function templateProblem(template: string): string | undefined {
  const open: string[] = [];
  for (let at = template.indexOf('{{'); at >= 0; at = template.indexOf('{{', at)) {
    const rest = template.slice(at);
    const isComment = /^\{\{(?:-\s)?\/\*/.test(rest);
    const [whole, action = ''] = (isComment ? TEMPLATE_COMMENT : TEMPLATE_ACTION).exec(rest) ?? [];
    if (whole === undefined) return 'a {{ is not closed';
    at += whole.length;
    if (isComment) continue;
    const bare = action.replace(/^-(?=\s)|(?<=\s)-$/g, '').replace(TEMPLATE_OPAQUE, '_');
    if (bare.trim() === '') return `${whole} is empty`;
    const problem = bracketProblem(bare);
    if (problem !== undefined) return `in ${whole} ${problem}`;
    const [keyword = ''] = /^[a-z]+(?!\w)/.exec(bare.trimStart()) ?? [];
    if (TEMPLATE_BLOCKS.includes(keyword)) open.push(keyword);
    if (keyword === 'end' && open.pop() === undefined) return 'an {{ end }} ends nothing';
  }
  const last = open.at(-1);
  return last === undefined ? undefined : `a {{ ${last} }} has no {{ end }}`;
}

/** Checks a template of Go as far as `templateProblem` can tell. */
export const templateCheck: Check = checkOf(templateProblem, 'template');

/** @param problemOf tells what is wrong with a text @param what the text should be */
function checkOf(problemOf: (text: string) => string | undefined, what: 'query' | 'template'): Check {
  return (value, prop, problems) => {
    const problem = problemOf(String(value));
    if (problem === undefined) return value;
    const fix = `correct the ${what === 'query' ? 'expression' : what}`;
    problems.add({ prop, value, rule: `is no ${what}: ${problem}`, fix });
    return undefined;
  };
}

/** @param bare the expression without the texts in quotes and the comments */
function bracketProblem(bare: string): string | undefined {
  if (bare.trim() === '') return 'it is empty';
  const quote = /["'`]/.exec(bare);
  if (quote) return `a ${quote[0]} is not closed`;
  const open: string[] = [];
  for (const character of bare) {
    if (character in CLOSING) open.push(character);
    if (!CLOSERS.includes(character)) continue;
    const opener = open.pop();
    if (opener === undefined) return `a ${character} closes nothing`;
    if (CLOSING[opener] !== character) return `a ${opener} is closed by ${character}`;
  }
  const last = open.at(-1);
  return last === undefined ? undefined : `a ${last} is not closed`;
}
