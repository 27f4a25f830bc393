import { all, metricsQlProblem, text, type Check } from '../validation';

/** Checks the brackets and quotes of a query; whether it is MetricsQL in all other respects only the storage can tell. */
export const expressionCheck: Check = all(text(), (value, prop, problems) => {
  const problem = metricsQlProblem(value as string);
  if (problem === undefined) return value;
  problems.add({ prop, value, rule: `is no query: ${problem}`, fix: 'correct the expression' });
  return undefined;
});
