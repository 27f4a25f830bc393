import type { Duration } from 'cdk8s';
import { all, filledListOf, listOf, rule, type Check } from '../validation';
import { duration, fields, filled, flag, interval, text } from './fields';
import { matcherCheck } from './matchers';

/** Which alerts go to which receiver, and when. What is left out is that of the route above. */
export interface RouteProps {
  /** The name of a receiver. The uppermost route needs one. @default - that of the route above */
  readonly receiver?: string;
  /**
   * Conditions on labels, all of which an alert fulfils that takes this route, each like `severity="critical"` or
   * `team=~"shop|search"`. The uppermost route has none.
   *
   * @default - all alerts
   */
  readonly matchers?: readonly string[];
  /** Alerts with equal values of these labels are one notification; `...` alone for one each. @default - that of the route above */
  readonly groupBy?: readonly string[];
  /** How long the first alert of a group waits for others. @default - that of the route above, at the top 30 s */
  readonly groupWait?: Duration;
  /** How long a change of a group waits after its last notification. @default - that of the route above, at the top 5 min */
  readonly groupInterval?: Duration;
  /** How often an alert that goes on is told again. @default - that of the route above, at the top 4 h */
  readonly repeatInterval?: Duration;
  /** Whether the routes after this one are asked, too. @default false */
  readonly continue?: boolean;
  /** Names of `timeIntervals` in which nothing is sent. @default - none */
  readonly muteTimeIntervals?: readonly string[];
  /** Names of `timeIntervals` out of which nothing is sent. @default - at all times */
  readonly activeTimeIntervals?: readonly string[];
  /** Routes for some of the alerts; the first that fits takes them. @default - none */
  readonly routes?: readonly RouteProps[];
}

/** Fields that Alertmanager is about to drop. */
interface OldRoute {
  readonly match?: never;
  readonly matchRe?: never;
}

/** What the file has of a route, checked. */
export interface Route {
  readonly receiver?: string;
  readonly matchers?: readonly string[];
  readonly group_by?: readonly string[];
  readonly repeat_interval?: string;
  readonly continue?: boolean;
  readonly mute_time_intervals?: readonly string[];
  readonly active_time_intervals?: readonly string[];
  readonly routes?: readonly Route[];
}

const labelNames: Check = listOf(filled);

/** `match` and its like, each with the matchers that say the same. */
function dropped(operator: '=' | '=~', replacement: string): Check {
  return (value, prop, problems) => {
    const given = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    const matchers = given.map(([label, wanted]) => `'${label}${operator}"${String(wanted)}"'`);
    problems.add({
      prop,
      value,
      rule: 'Alertmanager is about to drop it',
      fix: `write \`${replacement}: [${matchers.join(', ')}]\``,
    });
    return undefined;
  };
}

const groupBy: Check = all(
  labelNames,
  rule(
    (value) => !(value as string[]).includes('...') || (value as string[]).length === 1,
    'has `...`, which is all labels, beside others',
    "write ['...'] or just the others",
  ),
  rule(
    (value) => new Set(value as string[]).size === (value as string[]).length,
    'has a label twice',
    'remove one of them',
  ),
);

/** Made at each call, since routes stand in routes. */
export const routeCheck: Check = (value, prop, problems) =>
  fields<RouteProps & OldRoute>({
    receiver: filled,
    matchers: listOf(matcherCheck),
    match: dropped('=', 'matchers'),
    matchRe: dropped('=~', 'matchers'),
    groupBy,
    groupWait: duration,
    groupInterval: interval,
    repeatInterval: interval,
    continue: flag,
    muteTimeIntervals: listOf(filled),
    activeTimeIntervals: listOf(filled),
    routes: listOf(routeCheck),
  })(value, prop, problems);

/** Alerts that keep others from being sent. */
export interface InhibitRuleProps {
  /** For metrics and logs. @default - none */
  readonly name?: string;
  /** Conditions on the alerts that silence others. */
  readonly sourceMatchers: readonly string[];
  /** Conditions on the alerts that are silenced. */
  readonly targetMatchers: readonly string[];
  /** Labels that are equal on both; one that both lack is equal. @default - none */
  readonly equal?: readonly string[];
}

interface OldInhibitRule {
  readonly sourceMatch?: never;
  readonly sourceMatchRe?: never;
  readonly targetMatch?: never;
  readonly targetMatchRe?: never;
}

const conditions: Check = filledListOf(
  matcherCheck,
  'is empty, and so every alert',
  'write for example [\'severity="critical"\']',
);

export const inhibitRuleCheck: Check = fields<InhibitRuleProps & OldInhibitRule>(
  {
    name: text,
    sourceMatchers: conditions,
    sourceMatch: dropped('=', 'source_matchers'),
    sourceMatchRe: dropped('=~', 'source_matchers'),
    targetMatchers: conditions,
    targetMatch: dropped('=', 'target_matchers'),
    targetMatchRe: dropped('=~', 'target_matchers'),
    equal: labelNames,
  },
  'sourceMatchers',
  'targetMatchers',
);
