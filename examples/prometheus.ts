import { App, Chart, Duration, Size } from 'cdk8s';
import { NotifyEndpoint, Prometheus, Scrape, VmCluster } from '../src';

const rules = `
groups:
  - name: targets
    rules:
      - alert: TargetDown
        expr: up == 0
        for: 5m
`;

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', {
  // Two Prometheus scrape everything, each every 15 s: of their two samples one is kept.
  dedupInterval: Duration.seconds(15),
  vmstorage: { volume: { size: Size.gibibytes(100) } },
});

new Prometheus(chart, 'apps', {
  replicas: 2,
  volume: { size: Size.gibibytes(50) },
  retention: Duration.days(30),
  global: { interval: Duration.seconds(15), externalLabels: { cluster: 'production', region: 'eu' } },
  scrape: [Scrape.annotatedPods(), Scrape.nodes()],
  scrapeStack: true,
  remoteWrite: [{ endpoint: cluster.write(), queue: { maxShards: 30, capacity: 20_000, maxSamplesPerSend: 10_000 } }],
  ruleFiles: { 'targets.yaml': rules },
  alertmanagers: [NotifyEndpoint.external('https://alertmanager.example.com')],
  externalUrl: 'https://prometheus.example.com',
});

app.synth();
