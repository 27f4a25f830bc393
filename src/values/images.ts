import { Image } from './image';

/** The version of every VictoriaMetrics component. */
export const VICTORIA_METRICS_VERSION = 'v1.150.0';

/** The default image of every component: the one place where versions are written. */
export const IMAGES = {
  vmstorage: victoriaMetrics('vmstorage', '-cluster'),
  vminsert: victoriaMetrics('vminsert', '-cluster'),
  vmselect: victoriaMetrics('vmselect', '-cluster'),
  victoriaMetrics: victoriaMetrics('victoria-metrics'),
  vmagent: victoriaMetrics('vmagent'),
  vmauth: victoriaMetrics('vmauth'),
  vmalert: victoriaMetrics('vmalert'),
  alertmanager: Image.parse('quay.io/prometheus/alertmanager:v0.33.1'),
  grafana: Image.parse('docker.io/grafana/grafana:13.1.3'),
  prometheus: Image.parse('quay.io/prometheus/prometheus:v3.13.2'),
  nodeExporter: Image.parse('quay.io/prometheus/node-exporter:v1.12.1'),
  pushgateway: Image.parse('quay.io/prometheus/pushgateway:v1.11.3'),
  kubeStateMetrics: Image.parse('registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.19.1'),
  openTelemetryCollector: Image.parse('docker.io/otel/opentelemetry-collector-contrib:0.157.0'),
  node: Image.parse('docker.io/library/node:24.21.0-alpine3.24'),
} as const;

function victoriaMetrics(repository: string, variant = ''): Image {
  return Image.parse(`docker.io/victoriametrics/${repository}:${VICTORIA_METRICS_VERSION}${variant}`);
}
