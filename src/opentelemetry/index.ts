export type { CollectorConfig, ComponentConfig, PipelineConfig, ServiceConfig } from './config';
export type { BatchProps, ExporterProps, RetryProps } from './exporter';
export { OpenTelemetryCollector } from './opentelemetry-collector';
export type { OpenTelemetryCollectorProps, ReceiverPort } from './props';
