/** Applications send metrics by OTLP to a collector, which sends them on to a cluster. */
import { App, Chart, Size } from 'cdk8s';
import { OpenTelemetryCollector, SecretRef, VmCluster, WriteEndpoint } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', {
  vmstorage: { volume: { size: Size.gibibytes(100) } },
  // `http.server.duration` of unit `s` becomes `http_server_duration_seconds`.
  vminsert: { extraFlags: { 'opentelemetry.usePrometheusNaming': true } },
});

const collector = new OpenTelemetryCollector(chart, 'gateway', {
  exporters: [cluster.ingest().otlp],
  // What waits while the cluster is away outlives the pods.
  queue: { size: Size.gibibytes(10) },
  bearerToken: SecretRef.of('otlp-clients', 'token'),
  config: {
    processors: { 'attributes/team': { actions: [{ key: 'team', value: '${env:TEAM}', action: 'insert' }] } },
    service: { pipelines: { metrics: { processors: ['attributes/team'] } } },
  },
  env: [{ name: 'TEAM', value: 'shop' }],
});

// Who may send: clients set OTEL_EXPORTER_OTLP_METRICS_ENDPOINT to `collector.otlpHttp().url`.
const shop = { podSelector: { matchLabels: { app: 'shop' } } };
collector.otlpHttp().allowFrom(shop);
collector.otlpGrpc().allowFrom(shop);

// A store that takes remote write only, and counters that clients send as differences.
new OpenTelemetryCollector(chart, 'deltas', {
  replicas: 1,
  exporters: [
    WriteEndpoint.external('https://metrics.example.com/api/v1/write', {
      credentials: { username: 'production', password: SecretRef.of('metrics-example', 'password') },
      cidr: '203.0.113.10/32',
    }),
  ],
  config: {
    processors: { deltatocumulative: null },
    service: { pipelines: { metrics: { processors: ['deltatocumulative'] } } },
  },
});

app.synth();
