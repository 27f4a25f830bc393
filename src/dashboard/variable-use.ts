import type { Problems } from '../validation';
import { DATASOURCE_VARIABLE } from './datasource';
import type { DashboardVariable } from './variables';

/** `$name`, `${name}` and `${name:format}`, but not the `$1` of a replacement. */
const USE = /\$(?:\{([a-zA-Z_]\w*)(?:[:.][^}]*)?\}|([a-zA-Z_]\w*))/g;

/** `="$name"` or `!="$name"`. */
const EXACT = /=\s*["'`]\$\{?([a-zA-Z]\w*)/g;

/** Of Grafana itself: `$__rate_interval` and the like. */
const BUILT_IN = '__';

/** The variables that stand anywhere in a part of a dashboard. */
export function variablesIn(part: unknown): Set<string> {
  const names = [...JSON.stringify(part).matchAll(USE)].map(([, braced, bare]) => (braced ?? bare)!);
  return new Set(names.filter((name) => !name.startsWith(BUILT_IN)));
}

/** Checks the variables of a part of a dashboard, named by `prop`. */
export function checkVariablesOf(
  part: unknown,
  variables: readonly DashboardVariable[],
  prop: string,
  problems: Problems,
): void {
  for (const name of variablesIn(part)) {
    problems.when(!variables.some((variable) => variable.name === name), {
      prop,
      value: `$${name}`,
      rule: 'is a variable that the dashboard does not declare',
      fix: name === DATASOURCE_VARIABLE ? 'add Variables.tenant() to `variables`' : 'add it to `variables`',
    });
  }
  for (const [, name] of JSON.stringify(part).replaceAll('\\"', '"').matchAll(EXACT)) {
    problems.when(
      variables.some((variable) => variable.name === name && variable.label !== undefined),
      {
        prop,
        value: `="$${name!}"`,
        rule: 'several values may be chosen, of which Grafana makes a regular expression',
        fix: `write =~"$${name!}"`,
      },
    );
  }
}
