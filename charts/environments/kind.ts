import { Duration, Size } from 'cdk8s';
import { AlertmanagerConfig, Cpu, Retention, Scrape, Slo } from '../../src';
import type { MetricsStackProps } from '../metrics-stack';
import { METRICS_CLIENTS } from './clients';

const small = {
  cpu: { request: Cpu.millis(50) },
  memory: { request: Size.mebibytes(96), limit: Size.mebibytes(384) },
};

const tiny = {
  cpu: { request: Cpu.millis(20) },
  memory: { request: Size.mebibytes(48), limit: Size.mebibytes(192) },
};

/** A replicated cluster with all that a demonstration shows, which fits on a laptop and needs no Secret. */
export const kind: MetricsStackProps = {
  namespace: 'monitoring',
  storage: {
    cluster: {
      retention: Retention.days(7),
      replicationFactor: 2,
      vmstorage: { replicas: 3, volume: { size: Size.gibibytes(2) }, resources: small },
      vminsert: { replicas: 2, resources: small },
      vmselect: { replicas: 2, resources: small },
    },
  },
  agent: {
    global: { interval: Duration.seconds(15), externalLabels: { cluster: 'kind' } },
    // The kubelets of kind have certificates that nobody signed.
    scrape: [Scrape.annotatedPods(), Scrape.nodes({ tls: { insecureSkipVerify: true } }), Scrape.apiServer()],
    resources: small,
  },
  exporters: {
    nodes: { resources: tiny },
    kubeState: { resources: tiny },
    pushgateway: { resources: tiny },
  },
  openTelemetry: {
    replicas: 1,
    resources: { ...tiny, memory: { request: Size.mebibytes(96), limit: Size.mebibytes(256) } },
  },
  alerting: {
    vmalert: { evaluationInterval: Duration.seconds(15), resources: tiny },
    rules: [
      Slo.of({
        name: 'shop',
        objective: 0.99,
        errors: 'sum(rate(http_requests_total{status=~"5.."}[$window]))',
        total: 'sum(rate(http_requests_total[$window]))',
      }).rules(),
    ],
    // Alerts are looked at in the browser: nobody is told.
    alertmanager: {
      externalUrl: 'http://localhost:9093',
      config: AlertmanagerConfig.bySeverity({ critical: {}, warning: {} }),
      resources: tiny,
    },
  },
  grafana: {
    externalUrl: 'http://localhost:3000',
    anonymous: true,
    resources: {
      cpu: { request: Cpu.millis(100) },
      memory: { request: Size.mebibytes(256), limit: Size.mebibytes(768) },
    },
  },
  demo: {},
  clients: METRICS_CLIENTS,
  access: { replicas: 1, everybodyMay: ['read', 'write'], resources: tiny },
};
