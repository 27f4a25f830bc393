import { App, Chart, Size } from 'cdk8s';
import { Dashboards, Grafana, SecretRef, Tenant, VmCluster } from '../src';

const overview = {
  uid: 'shop-overview',
  title: 'Shop',
  refresh: '30s',
  panels: [
    {
      id: 1,
      type: 'timeseries',
      title: 'Requests',
      gridPos: { x: 0, y: 0, w: 24, h: 8 },
      datasource: { type: 'prometheus', uid: 'shop' },
      targets: [{ refId: 'A', expr: 'sum(rate(http_requests_total[$__rate_interval])) by (service)' }],
    },
  ],
};

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', {
  replicationFactor: 2,
  vmstorage: { replicas: 3, volume: { size: Size.gibibytes(100) } },
});

const grafana = new Grafana(chart, 'dashboards', {
  datasources: [cluster.read(), { endpoint: cluster.read(Tenant.of(1)), name: 'Shop' }],
  dashboards: [Dashboards.of('Services', { shop: overview })],
  externalUrl: 'https://grafana.example.com',
  admin: { password: SecretRef.of('grafana', 'admin-password') },
  secretKey: SecretRef.of('grafana', 'secret-key'),
  volume: { size: Size.gibibytes(5) },
  settings: { users: { default_theme: 'light' } },
});

// Browsers come by the ingress controller.
grafana.ui().allowFrom({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } },
});

app.synth();
