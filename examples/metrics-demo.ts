/** A demo workload whose metrics go all three ways, each into a tenant of its own. */
import { App, Chart, Duration, Size } from 'cdk8s';
import { MetricsDemo, Scrape, StackDefaults, Tenant, VmAgent, VmCluster } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'demo', { namespace: 'demo' });
StackDefaults.set(chart, { serverSideApply: true });

const cluster = new VmCluster(chart, 'metrics', {
  vmstorage: { replicas: 2, volume: { size: Size.gibibytes(5) } },
});
const agent = new VmAgent(chart, 'agent', {
  remoteWrite: [cluster.write()],
  scrape: [Scrape.annotatedPods({ namespaces: ['demo'] })],
});

const demo = new MetricsDemo(chart, 'shop', {
  remoteWrite: cluster.write(Tenant.of(1)),
  otlp: cluster.ingest(Tenant.of(2)).otlp,
  pushInterval: Duration.seconds(10),
});
demo.http().connectFrom(agent);

app.synth();
