import { all, bracketProblem, text, type Check } from '../validation';

/** A text in quotes as MetricsQL reads it, a comment up to the end of the line, or an escaped character of a name. */
const OPAQUE = /(["'`])(?:(?!\1)[^\\]|\\.)*\1|#[^\n]*|\\./gs;

/** Checks the brackets and quotes of a query; whether it is MetricsQL in all other respects only the storage can tell. */
export const expressionCheck: Check = all(text(), (value, prop, problems) => {
  const problem = bracketProblem((value as string).replace(OPAQUE, ' '));
  if (problem === undefined) return value;
  problems.add({ prop, value, rule: `is no query: ${problem}`, fix: 'correct the expression' });
  return undefined;
});
