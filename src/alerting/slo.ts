import { Duration } from 'cdk8s';
import { Panels, type Panel } from '../dashboard';
import { labelsCheck } from '../scrape';
import {
  all,
  anything,
  duration,
  metricsQlCheck,
  milliseconds,
  object,
  Refusals,
  rule,
  text,
  type Check,
  type Problems,
} from '../validation';
import { longDuration, type Tenant } from '../values';
import { ruleDuration } from './rule-duration';
import type { AlertingRule, RecordingRule, RuleGroup } from './rule-group';
import { Rules } from './rules';

/** What a service promises. */
export interface SloProps {
  /** Becomes the label `slo`. */
  readonly name: string;
  /** The share of all events that must be good, above 0 and below 1, e.g. 0.999. */
  readonly objective: number;
  /**
   * MetricsQL for the rate of bad events, with `$window` in the place of the time over which it is taken, e.g.
   * `sum(rate(http_requests_total{code=~"5.."}[$window]))`.
   */
  readonly errors: string;
  /** MetricsQL for the rate of all events, with `$window` and the same labels in its result as `errors`. */
  readonly total: string;
  /** The time for which the promise is made: 7 days or more. @default Duration.days(30) */
  readonly window?: Duration;
  /** As in a `RuleGroup`: of a cluster, the tenant that has the series. @default - that of the endpoints of the vmalert */
  readonly tenant?: Tenant;
  /** Labels of all its series and alerts, e.g. `{ team: 'shop' }`. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The series that the rules of each `Slo` record, with the label `slo`. */
export const SLO_SERIES = {
  /** The share of events that must be good. */
  objective: 'slo:objective:ratio',
  /** The share of events that were bad in the last five minutes. */
  errorRatio: 'slo:error_ratio:rate5m',
  /** The rate of bad events, over five minutes. */
  errors: 'slo:errors:rate5m',
  /** The rate of all events, over five minutes. */
  total: 'slo:total:rate5m',
  /** The share of the error budget of the window that is left, by the count of events; below 0 where it is spent. */
  budgetRemaining: 'slo:error_budget_remaining:ratio',
} as const;

/** An alert fires when a share of the budget burns within the long window, and still does within the short one. */
interface BurnWindow {
  readonly severity: 'critical' | 'warning';
  readonly long: Duration;
  readonly short: Duration;
  readonly budget: number;
}

/** @see https://sre.google/workbook/alerting-on-slos/ */
const BURN_WINDOWS: readonly BurnWindow[] = [
  { severity: 'critical', long: Duration.hours(1), short: Duration.minutes(5), budget: 0.02 },
  { severity: 'critical', long: Duration.hours(6), short: Duration.minutes(30), budget: 0.05 },
  { severity: 'warning', long: Duration.hours(24), short: Duration.hours(2), budget: 0.1 },
  { severity: 'warning', long: Duration.hours(72), short: Duration.hours(6), budget: 0.1 },
];

const WINDOW = '$window';
const DEFAULT_WINDOW = Duration.days(30);
const LEAST_WINDOW = Duration.days(7);

const query: Check = all(
  text(),
  rule(
    (value) => (value as string).includes(`[${WINDOW}]`),
    'does not say where the time goes over which the rate is taken',
    `write for example sum(rate(http_requests_total[${WINDOW}]))`,
  ),
  metricsQlCheck,
);

const sloCheck = object<SloProps>(
  {
    name: text(/^[-\w.]+$/, 'a name of letters, digits, -, _ and .'),
    objective: rule(
      (value) => typeof value === 'number' && value > 0 && value < 1,
      'must be above 0 and below 1: a share, not per cent',
      'write for example 0.999',
    ),
    errors: query,
    total: query,
    window: all(
      duration,
      rule(
        (value) => milliseconds(value as Duration) >= milliseconds(LEAST_WINDOW),
        'is shorter than a week, in which alerts that look at three days make no sense',
        'set it to Duration.days(7) or more',
      ),
    ),
    // Groups check it.
    tenant: anything,
    labels: labelsCheck,
  },
  'name',
  'objective',
  'errors',
  'total',
);

/**
 * A service level objective: recording rules for its error ratio and its error budget, and alerts that fire when the
 * budget burns too fast, over several windows at once.
 *
 * For 30 days: `SloErrorBudgetBurn` of severity critical when errors come 14.4 times as fast as the budget allows over
 * 1 h and 5 min, or 6 times over 6 h and 30 min; of severity warning when 3 times over 1 d and 2 h, or as fast over 3 d
 * and 6 h. For other windows the same shares of the budget are meant: 2, 5, 10 and 10 per cent.
 */
export class Slo {
  public static of(props: SloProps): Slo {
    return new Slo(props);
  }

  private constructor(private readonly props: SloProps) {}

  /** The recording rules and the alerts, for a vmalert, which reports what is wrong with the props. */
  public rules(): Rules {
    return Rules.from((problems) => {
      const props = this.checked(problems);
      return { groups: props === undefined ? [] : groupsOf(props) };
    });
  }

  /**
   * Panels for a dashboard, which fill a line: how much of the error budget is left now, how that came, and the error
   * ratio against the one that is allowed.
   *
   * @throws InvalidValueError when a prop is wrong.
   */
  public panels(): Panel[] {
    return panelsOf(this.checked(new Refusals())!);
  }

  /** The props when all of them are right. */
  private checked(problems: Problems): SloProps | undefined {
    const prop = `slo['${String((this.props as Partial<SloProps> | undefined)?.name)}']`;
    const props = sloCheck(this.props, prop, problems) as SloProps | undefined;
    if (props) checkReachable(props, prop, problems);
    return props;
  }
}

/** All events being bad burns the budget just so fast. */
function checkReachable({ objective, window = DEFAULT_WINDOW }: SloProps, prop: string, problems: Problems): void {
  const fastest = Math.max(...BURN_WINDOWS.map((one) => factor(one, window)));
  const least = 1 - 1 / fastest;
  problems.when(objective <= least, {
    prop: `${prop}.objective`,
    value: objective,
    rule: `leaves so many errors that they cannot come ${fastest} times as fast, at which the first alert fires`,
    fix: `set it above ${tidy(Math.ceil(least * 1000) / 1000)}`,
  });
}

function groupsOf({
  name,
  objective,
  errors,
  total,
  window = DEFAULT_WINDOW,
  tenant,
  labels = {},
}: SloProps): RuleGroup[] {
  const ofSlo = { ...labels, slo: name };
  const selector = `{slo=${JSON.stringify(name)}}`;
  const budget = tidy(1 - objective);
  const within = (query: string, time: string): string => `(${query.replaceAll(WINDOW, time)})`;
  // No bad event may ever have been counted.
  const badWithin = (time: string): string => `${within(errors, time)} or 0 * ${within(total, time)}`;
  const sumOf = (series: string): string => `sum_over_time(${series}${selector}[${longDuration(window)}])`;
  const times = [...new Set(BURN_WINDOWS.flatMap(({ long, short }) => [short, long]).map(milliseconds))]
    .sort((a, b) => a - b)
    .map((length) => ruleDuration(Duration.millis(length)));
  const ratios = times.map((time): RecordingRule => ({
    record: `slo:error_ratio:rate${time}`,
    // Without events there is no ratio.
    expr: `(${badWithin(time)}) / (${within(total, time)} > 0)`,
    labels: ofSlo,
  }));
  const counts: RecordingRule[] = [
    { record: SLO_SERIES.errors, expr: badWithin('5m'), labels: ofSlo },
    { record: SLO_SERIES.total, expr: within(total, '5m'), labels: ofSlo },
  ];
  const alerts = (['critical', 'warning'] as const).map((severity): AlertingRule => {
    const windows = BURN_WINDOWS.filter((one) => one.severity === severity);
    const conditions = windows.map((one) => {
      const threshold = tidy(factor(one, window) * budget);
      const [long, short] = [one.long, one.short].map(
        (time) => `slo:error_ratio:rate${ruleDuration(time)}${selector} > ${threshold}`,
      );
      return `(${long} and ${short})`;
    });
    return {
      alert: 'SloErrorBudgetBurn',
      expr: conditions.join('\nor\n'),
      labels: { ...ofSlo, severity },
      annotations: {
        summary: `The error budget of ${name} burns too fast`,
        description:
          `{{ $value | humanizePercentage }} of events were bad of late, and the objective of ${name} allows ` +
          `${tidy(budget * 100)}% over ${longDuration(window)}: ` +
          windows.map((one) => `${tidy(one.budget * 100)}% of the budget in ${ruleDuration(one.long)}`).join(', or ') +
          ' are spent at this rate.',
      },
    };
  });
  return [
    { name: `slo-${name}`, tenant, rules: [...ratios, ...counts, ...alerts] },
    {
      name: `slo-${name}-budget`,
      tenant,
      // A window of weeks moves slowly, and is dear to look at.
      interval: Duration.minutes(5),
      rules: [
        { record: SLO_SERIES.objective, expr: `vector(${objective})`, labels: ofSlo },
        {
          record: SLO_SERIES.budgetRemaining,
          // Not by the mean of ratios: in it a quiet night counts as much as a busy day.
          expr: `1 - ${sumOf(SLO_SERIES.errors)} / ${sumOf(SLO_SERIES.total)} / ${budget}`,
          labels: ofSlo,
        },
      ],
    },
  ];
}

function panelsOf({ name, objective, window = DEFAULT_WINDOW }: SloProps): Panel[] {
  const selector = `{slo=${JSON.stringify(name)}}`;
  const allowed = tidy(1 - objective);
  // Recorded every 5 minutes only, so that the last value is older than what counts as fresh now and then.
  const budget = `last_over_time(${SLO_SERIES.budgetRemaining}${selector}[15m])`;
  const thresholds = { warning: 0.25, critical: 0, below: true };
  return [
    Panels.stat({
      title: `${name}: error budget left`,
      description:
        `The share of the errors that ${tidy(objective * 100)}% over ${longDuration(window)} allow which have not happened yet. Below ` +
        'zero the objective is missed: stop what may do harm, such as rollouts, until it recovers.',
      queries: [{ expr: budget }],
      unit: 'percentunit',
      thresholds,
      width: 8,
      height: 8,
    }),
    Panels.timeSeries({
      title: `${name}: error budget over time`,
      description:
        'How the error budget is spent. Steps are incidents; a slope that never ends is an objective that the service ' +
        'cannot keep: make it more reliable, or promise less.',
      queries: [{ expr: budget, legend: name }],
      unit: 'percentunit',
      max: 1,
      thresholds,
    }),
    Panels.timeSeries({
      title: `${name}: error ratio`,
      description:
        `The share of events that were bad in the last five minutes. At ${tidy(allowed * 100)}% the budget lasts for just ` +
        'its window; far above it look at the service at once.',
      queries: [{ expr: `${SLO_SERIES.errorRatio}${selector}`, legend: name }],
      unit: 'percentunit',
      min: 0,
      thresholds: { critical: allowed },
    }),
  ];
}

/** How many times as fast as the budget allows its share burns within the long window. */
function factor({ budget, long }: BurnWindow, window: Duration): number {
  return tidy((budget * milliseconds(window)) / milliseconds(long));
}

/** Without what binary fractions add at the end. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
