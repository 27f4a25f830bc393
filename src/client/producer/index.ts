export { CardinalityLimiter, type CardinalityLimiterOptions, type CardinalityStats } from './cardinality-limiter';
export {
  IntervalAggregator,
  type AggregatorStats,
  type GaugeValue,
  type HistogramPart,
  type IntervalAggregatorOptions,
} from './interval-aggregator';
export { LabelSetCache, type LabelSetCacheOptions } from './label-set-cache';
export { PathNormalizer, type PathNormalizerOptions, type PathRule } from './path-normalizer';
export type { PeriodicOptions, PeriodicStats } from './periodic';
export {
  RegistryPusher,
  type JsonRegistry,
  type RegistryMetric,
  type RegistryPusherOptions,
  type TextRegistry,
} from './registry-pusher';
export { Sampler, type ProbabilitySamplerOptions } from './sampler';
