const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const CLOSERS = Object.values(CLOSING);

/** A text in quotes as MetricsQL reads it, a comment up to the end of the line, or an escaped character of a name. */
const OPAQUE = /(["'`])(?:(?!\1)[^\\]|\\.)*\1|#[^\n]*|\\./gs;

/**
 * What is wrong with the brackets and quotes of an expression; nothing where they fit. Whether it is MetricsQL in all
 * other respects only vmalert can tell.
 */
export function expressionProblem(expression: string): string | undefined {
  const bare = expression.replace(OPAQUE, ' ');
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
