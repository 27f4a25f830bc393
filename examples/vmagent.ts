import { App, Chart, Duration, Size } from 'cdk8s';
import { Scrape, SecretRef, VmAgent, VmCluster, WriteEndpoint } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', {
  // Two agents scrape everything, each every 30 s: of their two samples one is kept.
  dedupInterval: Duration.seconds(30),
  vmstorage: { volume: { size: Size.gibibytes(100) } },
});

const agent = new VmAgent(chart, 'agent', {
  replicas: 2,
  queue: { size: Size.gibibytes(20) },
  global: { interval: Duration.seconds(30), externalLabels: { cluster: 'production' } },
  remoteWrite: [
    cluster.write(),
    {
      endpoint: WriteEndpoint.external('https://metrics.example.com/api/v1/write', {
        credentials: { username: 'production', password: SecretRef.of('metrics-example', 'password') },
      }),
      maxDiskUsage: Size.gibibytes(2),
      relabelConfigs: [{ action: 'keep', sourceLabels: ['__name__'], regex: 'up|slo:.*' }],
    },
  ],
  // Every component of the chart is scraped without being named.
  scrape: [
    Scrape.annotatedPods({ namespaces: ['shop'] }),
    Scrape.nodes(),
    Scrape.static({ name: 'switches', targets: ['switch-1.example.com:9116'], labels: { site: 'north' } }),
  ],
  listeners: { graphite: {} },
});

// Whoever pushes metrics needs the URL and a way through the NetworkPolicy.
agent.ingest().otlp.allowFrom({ podSelector: { matchLabels: { app: 'shop' } } });

app.synth();
