import type { Duration } from 'cdk8s';
import type { FlagSet, VmagentFlags } from '../flags';
import {
  labelNameCheck,
  relabelConfigsCheck,
  renderRelabelConfigs,
  seriesSelectorsCheck,
  type RelabelConfig,
} from '../scrape';
import {
  all,
  boolean,
  duration,
  filledListOf,
  integer,
  listOf,
  milliseconds,
  object,
  oneOf,
  rule,
  text,
  type Check,
  type Problems,
} from '../validation';
import { goDuration } from '../values';

const OUTPUTS = [
  'avg',
  'count_samples',
  'count_series',
  'histogram_bucket',
  'increase',
  'increase_prometheus',
  'last',
  'max',
  'min',
  'rate_avg',
  'rate_sum',
  'stddev',
  'stdvar',
  'sum_samples',
  'sum_samples_total',
  'total',
  'total_prometheus',
  'unique_samples',
] as const;

/** Estimates of quantiles, each from 0 to 1. */
export interface Quantiles {
  /** E.g. `[0.5, 0.99]`. */
  readonly quantiles: readonly number[];
}

/** What is computed from the samples of an interval. */
export type AggregationOutput = (typeof OUTPUTS)[number] | Quantiles;

/**
 * One rule of stream aggregation: the samples of matching series that arrive within an interval become one sample of
 * each output.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/stream-aggregation/configuration/
 */
export interface AggregationRule {
  /** Tells rules apart in vmagent's own metrics. @default - the position of the rule */
  readonly name?: string;
  /** Series that are aggregated, e.g. `http_requests_total{env="prod"}`; of several selectors one must match. @default - all */
  readonly match?: string | readonly string[];
  /** From one output to the next, at least a second. It stands in the names of the outputs. */
  readonly interval: Duration;
  /** What is computed; each is a series `<name>:<interval>_by_<labels>_<output>`. */
  readonly outputs: readonly AggregationOutput[];
  /** The labels that outputs have. @default - all, so that only time is aggregated */
  readonly by?: readonly string[];
  /** The labels that outputs lose. @default - none */
  readonly without?: readonly string[];
  /** Of samples of one series within this interval the last counts; divides `interval`. @default - that of all rules */
  readonly dedupInterval?: Duration;
  /** After so long without samples a series starts anew: for total, increase and rate outputs. @default - `interval` */
  readonly stalenessInterval?: Duration;
  /** For so long after the start first samples of series do not count as an increase. @default - `stalenessInterval` */
  readonly ignoreFirstSampleInterval?: Duration;
  /** Outputs come at any time instead of at multiples of `interval`. @default false */
  readonly noAlignFlushToInterval?: boolean;
  /** The unfinished first and last interval give an output too. @default false */
  readonly flushOnShutdown?: boolean;
  /** The output has the name of its input; for a single output. @default false */
  readonly keepMetricNames?: boolean;
  /** Samples older than the current interval are ignored. @default - as for all rules */
  readonly ignoreOldSamples?: boolean;
  /** Intervals after the start that give no output. @default - as for all rules */
  readonly ignoreFirstIntervals?: number;
  /** Labels that are dropped before everything else. @default - as for all rules */
  readonly dropInputLabels?: readonly string[];
  /** Samples count for the interval of their timestamp, at the cost of twice the memory. @default - as for all rules */
  readonly enableWindows?: boolean;
  /** Relabeling of the input. @default - none */
  readonly inputRelabelConfigs?: readonly RelabelConfig[];
  /** Relabeling of the outputs. @default - none */
  readonly outputRelabelConfigs?: readonly RelabelConfig[];
}

/**
 * Aggregation of samples before they are sent. The state is in memory: what a restart interrupts is lost.
 *
 * Every process aggregates what it sees itself. Where several do, `replicaLabel` keeps their outputs apart.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/stream-aggregation/
 */
export interface StreamAggregationProps {
  /** The rules; a sample may match several. @default - none: samples are only deduplicated, by `dedupInterval` */
  readonly rules?: readonly AggregationRule[];
  /** Also sends samples that a rule has aggregated. @default false */
  readonly keepInput?: boolean;
  /** Drops samples that no rule matches; together with `keepInput` just these are dropped. @default false */
  readonly dropInput?: boolean;
  /** Of samples of one series within this interval the last is kept. @default - all are kept */
  readonly dedupInterval?: Duration;
  /** Samples older than the current interval are ignored. @default false */
  readonly ignoreOldSamples?: boolean;
  /** Intervals after the start that give no output. @default 0 */
  readonly ignoreFirstIntervals?: number;
  /** Labels that are dropped before deduplication and aggregation, e.g. of replicas. @default - none */
  readonly dropInputLabels?: readonly string[];
  /** Samples count for the interval of their timestamp, at the cost of twice the memory. @default false */
  readonly enableWindows?: boolean;
  /**
   * The label of all outputs that says which pod has computed them; needed with several replicas. Queries sum over it
   * where the replicas are shards, and take the maximum where they are copies.
   *
   * @default - none
   */
  readonly replicaLabel?: string;
}

const quantiles = object<Quantiles>(
  {
    quantiles: filledListOf(
      rule(
        (value) => typeof value === 'number' && value >= 0 && value <= 1,
        'must be a number from 0 to 1',
        'give a number from 0 to 1',
      ),
      'must name a quantile',
      'write for example [0.5, 0.99]',
    ),
  },
  'quantiles',
);

const outputName = all(
  rule(
    (value) => typeof value !== 'string' || !value.startsWith('quantiles'),
    'quantiles are given as numbers',
    'write { quantiles: [0.5, 0.99] }',
  ),
  oneOf(...OUTPUTS),
);

const output: Check = (value, prop, problems) =>
  (typeof value === 'object' ? quantiles : outputName)(value, prop, problems);

const secondOrMore = all(
  duration,
  rule(
    (value) => milliseconds(value as Duration) >= 1000,
    'VictoriaMetrics aggregates over at least a second',
    'use Duration.seconds(1) or more',
  ),
);

const labelNames = listOf(labelNameCheck);

const ruleCheck = object<AggregationRule>(
  {
    name: text(),
    match: seriesSelectorsCheck,
    interval: secondOrMore,
    outputs: filledListOf(output, 'a rule without outputs does nothing', "write ['sum_samples']"),
    by: labelNames,
    without: labelNames,
    dedupInterval: duration,
    stalenessInterval: duration,
    ignoreFirstSampleInterval: duration,
    noAlignFlushToInterval: boolean,
    flushOnShutdown: boolean,
    keepMetricNames: boolean,
    ignoreOldSamples: boolean,
    ignoreFirstIntervals: integer({ min: 0 }),
    dropInputLabels: labelNames,
    enableWindows: boolean,
    inputRelabelConfigs: relabelConfigsCheck,
    outputRelabelConfigs: relabelConfigsCheck,
  },
  'interval',
  'outputs',
);

/** Looks at what the user wrote: a rule that is refused is a rule all the same. */
const doesSomething: Check = (value, prop, problems) => {
  const { rules, dedupInterval } = (value ?? {}) as Partial<StreamAggregationProps>;
  const hasRules = rules !== undefined && (!Array.isArray(rules) || rules.length > 0);
  problems.when(!hasRules && dedupInterval === undefined, {
    prop: `${prop}.rules`,
    value: rules,
    rule: 'nothing is aggregated, and no duplicates are removed',
    fix: `give it a rule, or set \`${prop}.dedupInterval\``,
  });
  return value;
};

export const streamAggregationCheck: Check = all(
  doesSomething,
  object<StreamAggregationProps>({
    rules: listOf(ruleCheck),
    keepInput: boolean,
    dropInput: boolean,
    dedupInterval: duration,
    ignoreOldSamples: boolean,
    ignoreFirstIntervals: integer({ min: 0 }),
    dropInputLabels: labelNames,
    enableWindows: boolean,
    replicaLabel: labelNameCheck,
  }),
  (value, prop, problems) => {
    const props = value as StreamAggregationProps;
    for (const [index, one] of (props.rules ?? []).entries())
      checkRule(one, props, `${prop}.rules[${index}]`, problems);
    return value;
  },
);

/** What only several settings together can show to be wrong, and VictoriaMetrics refuses to start with. */
function checkRule(one: AggregationRule, props: StreamAggregationProps, prop: string, problems: Problems): void {
  const { interval, by, without, outputs, stalenessInterval, keepMetricNames } = one;
  const dedup = one.dedupInterval ?? props.dedupInterval;
  problems.when(dedup !== undefined && milliseconds(interval) % milliseconds(dedup) !== 0, {
    prop: `${prop}.interval`,
    value: interval,
    rule: `must be a multiple of the dedupInterval (${dedup?.toHumanString()})`,
    fix: 'change one of the two',
  });
  problems.when(stalenessInterval !== undefined && milliseconds(stalenessInterval) < milliseconds(interval), {
    prop: `${prop}.stalenessInterval`,
    value: stalenessInterval,
    rule: `must not be shorter than the interval (${interval.toHumanString()})`,
    fix: 'give a longer one or leave it out',
  });
  problems.when(!!by?.length && !!without?.length, {
    prop: `${prop}.without`,
    value: without,
    rule: '`by` says already which labels are left',
    fix: 'remove one of the two',
  });
  const names = outputs.map((item) => (typeof item === 'string' ? item : 'quantiles'));
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  problems.when(repeated !== undefined, {
    prop: `${prop}.outputs`,
    value: repeated,
    rule: 'the output is listed twice',
    fix: repeated === 'quantiles' ? 'write all quantiles in one list' : 'remove one of the two',
  });
  if (!keepMetricNames) return;
  problems.when(props.keepInput === true, {
    prop: `${prop}.keepMetricNames`,
    value: true,
    rule: 'input and output would be one series, since `keepInput` is set',
    fix: 'remove one of the two',
  });
  const [only] = outputs;
  const several =
    outputs.length > 1 || only === 'histogram_bucket' || (typeof only === 'object' && only.quantiles.length > 1);
  problems.when(several, {
    prop: `${prop}.keepMetricNames`,
    value: true,
    rule: 'several outputs would have one name',
    fix: 'remove it, or make a rule for each output',
  });
}

/** Several processes would write different values to the same output series. @param prop full name of the prop */
export function checkOutputsDiffer(
  { rules = [], replicaLabel }: StreamAggregationProps = {},
  replicas: number,
  prop: string,
  problems: Problems,
): void {
  problems.when(replicas > 1 && rules.length > 0 && replicaLabel === undefined, {
    prop: `${prop}.replicaLabel`,
    value: undefined,
    rule: `each of the ${replicas} replicas aggregates what it sees itself, and all would write to the same series`,
    fix: `set \`${prop}.replicaLabel: 'replica'\`, or \`replicas\` to 1`,
  });
}

/** The rules as their file says them. @param podName what the file says for the name of the pod */
export function renderStreamAggregation(
  { rules = [], replicaLabel }: StreamAggregationProps,
  podName: string,
): object[] {
  const replica: readonly RelabelConfig[] =
    replicaLabel === undefined ? [] : [{ targetLabel: replicaLabel, replacement: podName }];
  return rules.map((one) => ({
    name: one.name,
    match: one.match,
    interval: goDuration(one.interval),
    outputs: one.outputs.map((item) => (typeof item === 'string' ? item : `quantiles(${item.quantiles.join(', ')})`)),
    by: one.by,
    without: one.without,
    dedup_interval: optional(one.dedupInterval),
    staleness_interval: optional(one.stalenessInterval),
    ignore_first_sample_interval: optional(one.ignoreFirstSampleInterval),
    no_align_flush_to_interval: one.noAlignFlushToInterval,
    flush_on_shutdown: one.flushOnShutdown,
    keep_metric_names: one.keepMetricNames,
    ignore_old_samples: one.ignoreOldSamples,
    ignore_first_intervals: one.ignoreFirstIntervals,
    drop_input_labels: one.dropInputLabels,
    enable_windows: one.enableWindows,
    input_relabel_configs: one.inputRelabelConfigs && renderRelabelConfigs(one.inputRelabelConfigs),
    output_relabel_configs:
      one.outputRelabelConfigs || replica.length > 0
        ? renderRelabelConfigs([...(one.outputRelabelConfigs ?? []), ...replica])
        : undefined,
  }));
}

function optional(duration: Duration | undefined): string | undefined {
  return duration && goDuration(duration);
}

/** The flags for what all targets get. @param file where the rules are, if there are any */
export function setStreamAggregationFlags(
  flags: FlagSet<VmagentFlags>,
  props: StreamAggregationProps | undefined,
  file: string | undefined,
): void {
  flags
    .set('streamAggr.config', file, 'streamAggregation.rules')
    .set('streamAggr.keepInput', props?.keepInput, 'streamAggregation.keepInput')
    .set('streamAggr.dropInput', props?.dropInput, 'streamAggregation.dropInput')
    .set('streamAggr.dedupInterval', props?.dedupInterval, 'streamAggregation.dedupInterval')
    .set('streamAggr.ignoreOldSamples', props?.ignoreOldSamples, 'streamAggregation.ignoreOldSamples')
    .set('streamAggr.ignoreFirstIntervals', props?.ignoreFirstIntervals, 'streamAggregation.ignoreFirstIntervals')
    .set('streamAggr.dropInputLabels', props?.dropInputLabels, 'streamAggregation.dropInputLabels')
    .set('streamAggr.enableWindows', props?.enableWindows, 'streamAggregation.enableWindows');
}
