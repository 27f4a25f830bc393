import { Duration, Size } from 'cdk8s';
import { AlertmanagerConfig, Cpu, Retention, Scrape, SecretRef, type SlackProps } from '../../src';
import type { MetricsStackProps } from '../metrics-stack';
import { METRICS_CLIENTS } from './clients';

const SCRAPE_INTERVAL = Duration.seconds(30);

const slack = (channel: string): SlackProps => ({
  apiUrl: SecretRef.of('alertmanager', 'slack-webhook-url'),
  channel,
  sendResolved: true,
});

/**
 * A replicated cluster with one vmstorage node in each of three zones: any one node or zone may fail. Two agents scrape
 * everything, and of their samples one is kept; two vmalerts evaluate, and three Alertmanagers tell each alert once.
 * Programs come in by vmauth, people by Grafana.
 */
export const production: MetricsStackProps = {
  namespace: 'monitoring',
  storage: {
    cluster: {
      retention: Retention.months(12),
      replicationFactor: 2,
      dedupInterval: SCRAPE_INTERVAL,
      queryLimits: { maxQueryDuration: Duration.seconds(60), maxConcurrentRequests: 100 },
      vmstorage: {
        replicas: 3,
        volume: { size: Size.gibibytes(200), storageClass: 'fast-ssd' },
        minFreeDisk: Size.gibibytes(10),
        resources: {
          cpu: { request: Cpu.units(2) },
          memory: { request: Size.gibibytes(8), limit: Size.gibibytes(8) },
        },
        spread: { hosts: 'required', zones: 'required' },
        podDisruptionBudget: { maxUnavailable: 1 },
      },
      vminsert: {
        autoscaling: { minReplicas: 3, maxReplicas: 9 },
        resources: {
          cpu: { request: Cpu.units(1) },
          memory: { request: Size.gibibytes(1), limit: Size.gibibytes(1) },
        },
      },
      vmselect: {
        replicas: 3,
        cache: { size: Size.gibibytes(20), storageClass: 'fast-ssd' },
        resources: {
          cpu: { request: Cpu.units(2) },
          memory: { request: Size.gibibytes(4), limit: Size.gibibytes(4) },
        },
      },
    },
  },
  agent: {
    replicas: 2,
    queue: { size: Size.gibibytes(20), storageClass: 'fast-ssd' },
    global: { interval: SCRAPE_INTERVAL, externalLabels: { cluster: 'production' } },
    scrape: [Scrape.annotatedPods(), Scrape.serviceEndpoints(), Scrape.nodes(), Scrape.apiServer()],
    resources: {
      cpu: { request: Cpu.millis(500) },
      memory: { request: Size.gibibytes(1), limit: Size.gibibytes(1) },
    },
    spread: { hosts: 'required' },
  },
  exporters: { nodes: {}, kubeState: {}, pushgateway: { volume: { size: Size.gibibytes(1) } } },
  openTelemetry: { replicas: 2, queue: { size: Size.gibibytes(5), storageClass: 'fast-ssd' } },
  alerting: {
    vmalert: { replicas: 2, evaluationInterval: SCRAPE_INTERVAL },
    alertmanager: {
      replicas: 3,
      externalUrl: 'https://alertmanager.example.com',
      config: AlertmanagerConfig.bySeverity({
        critical: { slackConfigs: [slack('#incidents')] },
        warning: { slackConfigs: [slack('#alerts')] },
        watchdog: { webhookConfigs: [{ url: SecretRef.of('alertmanager', 'watchdog-url') }] },
      }),
    },
  },
  grafana: {
    externalUrl: 'https://grafana.example.com',
    admin: { password: SecretRef.of('grafana', 'admin-password') },
    secretKey: SecretRef.of('grafana', 'secret-key'),
    volume: { size: Size.gibibytes(5), storageClass: 'fast-ssd' },
  },
  clients: METRICS_CLIENTS,
  access: {
    replicas: 2,
    users: {
      reader: { password: SecretRef.of('vmauth-users', 'reader'), may: ['read'] },
      writer: { bearerToken: SecretRef.of('vmauth-users', 'writer'), may: ['write'] },
    },
  },
};
