/** What runs in a Kubernetes cluster: its nodes, its objects, and jobs that are gone before anybody could scrape them. */
import { App, Chart, Size } from 'cdk8s';
import { Namespace } from 'cdk8s-plus-28';
import { KubeStateMetrics, NodeExporter, Pushgateway, Scrape, VmAgent, VmSingle } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });

// node-exporter sees all of its node, which Pod Security allows only where the namespace says so.
new Namespace(new Chart(app, 'namespaces'), 'node-metrics', {
  metadata: { name: 'node-metrics', labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
});
const nodes = new Chart(app, 'node-metrics', { namespace: 'node-metrics' });
const nodeExporter = new NodeExporter(nodes, 'nodes', {
  collectors: { wifi: false, processes: true },
});

const monitoring = new Chart(app, 'monitoring', { namespace: 'monitoring' });
new KubeStateMetrics(monitoring, 'cluster', {
  metricLabelsAllowlist: { pods: ['app.kubernetes.io/name'], nodes: ['*'] },
});
const pushgateway = new Pushgateway(monitoring, 'jobs', {
  volume: { size: Size.gibibytes(1) },
});

// The agent scrapes all of its own chart without being told, and of others what it is told.
const storage = new VmSingle(monitoring, 'metrics', { volume: { size: Size.gibibytes(50) } });
new VmAgent(monitoring, 'agent', {
  remoteWrite: [storage.write()],
  scrape: [Scrape.component(nodeExporter)],
});

// Who may push is said at the endpoint; its URL goes wherever the job reads it.
pushgateway.push().allowFrom({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'batch' } },
});

app.synth();
