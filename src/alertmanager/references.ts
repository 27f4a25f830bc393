import { didYouMean } from '../validation';
import type { CheckedConfig } from './config-props';
import type { ConfigProblems } from './config-problems';
import { below } from './fields';
import { checkIntegrations } from './receiver';
import type { Route } from './route';

/** Reports what no field shows by itself: names that nothing has, and receivers that do not work. */
export function checkReferences(config: CheckedConfig, prop: string, problems: ConfigProblems): void {
  const { global = {}, route, receivers = [] } = config;
  const receiversProp = below(prop, problems.spell('receivers'));
  const names = receivers.map(({ name }) => name);
  for (const [index, receiver] of receivers.entries()) {
    checkIntegrations(receiver, `${receiversProp}[${index}]`, global, problems);
  }
  checkUnique(names, receiversProp, 'a receiver', problems);
  const intervals = (config.time_intervals ?? []).map(({ name }) => name);
  checkUnique(intervals, below(prop, problems.spell('time_intervals')), 'a time interval', problems);
  if (route === undefined) return;

  const routeProp = below(prop, 'route');
  checkUppermost(route, routeProp, problems);
  const used = new Set<string>();
  const isGiven = (name: string | undefined): name is string => name !== undefined;
  const known = { receivers: names.filter(isGiven), intervals: intervals.filter(isGiven) };
  checkRoute(route, routeProp, known, used, problems);
  for (const [index, name] of names.entries()) {
    problems.when(name !== undefined && !used.has(name), {
      prop: `${receiversProp}[${index}].name`,
      value: name,
      rule: 'no route leads to the receiver',
      fix: 'name it in a route, or remove it',
    });
  }
}

function checkUnique(
  names: readonly (string | undefined)[],
  prop: string,
  what: string,
  problems: ConfigProblems,
): void {
  for (const [index, name] of names.entries()) {
    problems.when(name !== undefined && names.indexOf(name) !== index, {
      prop: `${prop}[${index}].name`,
      value: name,
      rule: `${what} before it has the name`,
      fix: 'rename one of them',
    });
  }
}

/** All alerts come to the uppermost route. */
function checkUppermost(route: Route, prop: string, problems: ConfigProblems): void {
  problems.when(route.receiver === undefined, {
    prop: `${prop}.receiver`,
    value: undefined,
    rule: 'alerts that no other route takes go to the receiver of the uppermost one',
    fix: 'name a receiver',
  });
  const fields = ['matchers', 'continue', 'mute_time_intervals', 'active_time_intervals'] as const;
  for (const field of fields) {
    const value = route[field];
    problems.when(value !== undefined && value !== false, {
      prop: `${prop}.${problems.spell(field)}`,
      value,
      rule: 'the uppermost route takes all alerts at all times, and is the last',
      fix: `move it to one of \`${prop}.routes\``,
    });
  }
}

function checkRoute(
  route: Route,
  prop: string,
  known: { readonly receivers: readonly string[]; readonly intervals: readonly string[] },
  used: Set<string>,
  problems: ConfigProblems,
): void {
  const { receiver, routes = [] } = route;
  if (receiver !== undefined) {
    used.add(receiver);
    problems.when(!known.receivers.includes(receiver), {
      prop: `${prop}.receiver`,
      value: receiver,
      rule: 'there is no such receiver',
      fix: didYouMean(receiver, known.receivers, 'name one of `receivers`, or add it there'),
    });
  }
  for (const field of ['mute_time_intervals', 'active_time_intervals'] as const) {
    for (const [index, name] of (route[field] ?? []).entries()) {
      problems.when(!known.intervals.includes(name), {
        prop: `${prop}.${problems.spell(field)}[${index}]`,
        value: name,
        rule: 'there is no such time interval',
        fix: didYouMean(name, known.intervals, `add it to \`${problems.spell('time_intervals')}\``),
      });
    }
  }
  for (const [index, inner] of routes.entries()) checkRoute(inner, `${prop}.routes[${index}]`, known, used, problems);
}
