export * from './kube-state-metrics';
export { NodeExporter, type NodeCollector, type NodeExporterProps } from './node-exporter';
export * from './pushgateway';
