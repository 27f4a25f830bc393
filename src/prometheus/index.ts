export { Prometheus } from './prometheus';
export type { PrometheusProps } from './props';
export type { PrometheusRemoteWriteProps, QueueProps } from './remote-write';
