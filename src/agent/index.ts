export type { VmAgentProps } from './props';
export type { AgentRemoteWriteProps } from './remote-write';
export type { ShardByUrlProps, ShardingProps } from './sharding';
export type { AggregationOutput, AggregationRule, Quantiles, StreamAggregationProps } from './stream-aggregation';
export { VmAgent } from './vm-agent';
