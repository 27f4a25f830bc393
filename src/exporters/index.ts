export { type WebConfigAuth } from './exporter-toolkit';
export * from './kube-state-metrics';
export { NodeExporter, type NodeCollector, type NodeExporterProps } from './node-exporter';
export * from './pushgateway';
