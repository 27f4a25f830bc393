const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const CLOSERS = Object.values(CLOSING);

/**
 * What is wrong with the brackets and quotes of a query; nothing where they fit.
 *
 * @param bare the query without the texts in quotes and the comments, which each language writes its own way
 */
export function bracketProblem(bare: string): string | undefined {
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
