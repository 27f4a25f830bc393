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
export function promQlProblem(expression: string): string | undefined {
  return bracketProblem(expression.replace(PROMQL_OPAQUE, (text) => (text.startsWith('#') ? '' : '_')));
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
