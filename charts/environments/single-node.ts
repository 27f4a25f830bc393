import { Duration, Size } from 'cdk8s';
import { AlertmanagerConfig, Cpu, Retention, Scrape, SecretRef, type ReceiverIntegrations } from '../../src';
import type { MetricsStackProps } from '../metrics-stack';
import { METRICS_CLIENTS } from './clients';

const mail: ReceiverIntegrations = { emailConfigs: [{ to: 'team@example.com', sendResolved: true }] };

/** One process on one fast disk, with alerts by mail. */
export const singleNode: MetricsStackProps = {
  namespace: 'monitoring',
  storage: {
    single: {
      retention: Retention.months(12),
      volume: { size: Size.gibibytes(100), storageClass: 'fast-ssd' },
      resources: {
        cpu: { request: Cpu.units(1), limit: Cpu.units(2) },
        memory: { request: Size.gibibytes(2), limit: Size.gibibytes(4) },
      },
      labelLimits: { maxLabelsPerTimeseries: 50 },
      queryLimits: { maxQueryDuration: Duration.seconds(30) },
      extraFlags: { 'memory.allowedPercent': 80 },
    },
  },
  agent: { scrape: [Scrape.annotatedPods()] },
  alerting: {
    vmalert: { evaluationInterval: Duration.seconds(30) },
    alertmanager: {
      externalUrl: 'https://alertmanager.example.com',
      config: AlertmanagerConfig.bySeverity({
        critical: mail,
        warning: mail,
        watchdog: { webhookConfigs: [{ url: SecretRef.of('alertmanager', 'watchdog-url') }] },
        global: {
          smtpSmarthost: 'smtp.example.com:587',
          smtpFrom: 'alertmanager@example.com',
          smtpAuthUsername: 'alertmanager',
          smtpAuthPassword: SecretRef.of('alertmanager', 'smtp-password'),
        },
      }),
    },
  },
  clients: METRICS_CLIENTS,
  grafana: {
    externalUrl: 'https://grafana.example.com',
    admin: { password: SecretRef.of('grafana', 'admin-password') },
  },
};
