import { App, Chart, Duration, Size } from 'cdk8s';
import { AlertSource, NotifyEndpoint, Rules, Slo, Tenant, VmAlert, VmCluster } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', {
  // Two vmalerts evaluate everything: of their two equal samples one is kept.
  dedupInterval: Duration.seconds(30),
  vmstorage: { volume: { size: Size.gibibytes(100) } },
});

new VmAlert(chart, 'alert', {
  replicas: 2,
  // All tenants, so that a group may have its own.
  datasource: cluster.read(Tenant.MULTITENANT),
  remoteWrite: cluster.write(Tenant.MULTITENANT),
  notifiers: [NotifyEndpoint.external('https://alertmanager.example.com')],
  evaluationInterval: Duration.seconds(30),
  externalUrl: 'https://grafana.example.com',
  alertSource: AlertSource.grafanaExplore({ datasource: 'victoriametrics' }),
  rules: [
    Rules.of({
      groups: [
        {
          name: 'shop',
          tenant: Tenant.of(42),
          rules: [
            { record: 'service:http_requests:rate5m', expr: 'sum(rate(http_requests_total[5m])) by (service)' },
            {
              alert: 'NoTraffic',
              // A service that is gone has no rate below a limit.
              expr: 'sum(rate(http_requests_total[5m])) < 1 or absent(http_requests_total)',
              for: Duration.minutes(10),
              labels: { severity: 'critical' },
              annotations: { summary: 'The shop takes {{ $value | humanize }} requests per second' },
            },
          ],
        },
      ],
    }),
    Slo.of({
      name: 'checkout',
      objective: 0.999,
      tenant: Tenant.of(42),
      errors: 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[$window]))',
      total: 'sum(rate(http_requests_total{service="checkout"}[$window]))',
    }).rules(),
  ],
});

app.synth();
