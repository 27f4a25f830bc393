/**
 * What the compiler must refuse. Each line below an `@ts-expect-error` is an error; should it compile one day,
 * the type check fails.
 */
import type { Chart } from 'cdk8s';
import { Duration, Size } from 'cdk8s';
import {
  EndpointIngress,
  NodeExporter,
  OpenTelemetryCollector,
  Prometheus,
  Pushgateway,
  ReadEndpoint,
  Retention,
  Scrape,
  SecretRef,
  Tenant,
  VmAgent,
  VmAuth,
  VmCluster,
  VmSingle,
  type WriteEndpoint,
} from '../../src';

declare const chart: Chart;
declare function remoteWriteTo(endpoint: WriteEndpoint): void;
const volume = { size: Size.gibibytes(10) };

const cluster = new VmCluster(chart, 'right', {
  retention: Retention.days(90),
  vmstorage: { volume, extraFlags: { 'search.maxTagKeys': 1000 } },
  vmselect: { extraFlags: { 'search.maxQueueDuration': '30s', 'search.logSlowQueryDuration': Duration.seconds(1) } },
});
remoteWriteTo(cluster.write(Tenant.of(1)));

// @ts-expect-error -- a misspelt flag
new VmCluster(chart, '1', { vmstorage: { volume }, vmselect: { extraFlags: { 'search.maxQueryDuraton': '30s' } } });
// @ts-expect-error -- a flag of another component
new VmCluster(chart, '2', { vmstorage: { volume }, vminsert: { extraFlags: { retentionPeriod: '30d' } } });
// @ts-expect-error -- a deprecated flag
new VmCluster(chart, '3', { vmstorage: { volume, extraFlags: { bigMergeConcurrency: 4 } } });
// @ts-expect-error -- a flag of the wrong type
new VmCluster(chart, '4', { vmstorage: { volume, extraFlags: { 'search.maxTagKeys': 'many' } } });
// @ts-expect-error -- a duration in days, which Go does not know
new VmCluster(chart, '5', { vmstorage: { volume }, vmselect: { extraFlags: { 'search.maxQueueDuration': '1d' } } });
// @ts-expect-error -- a secret as text
new VmCluster(chart, '6', { vmstorage: { volume }, vmselect: { extraFlags: { deleteAuthKey: 'hunter2' } } });
// @ts-expect-error -- a misspelt prop
new VmCluster(chart, '7', { vmstorage: { volume }, replicationfactor: 2 });
// @ts-expect-error -- no vmstorage
new VmCluster(chart, '8', {});
// @ts-expect-error -- no volume
new VmCluster(chart, '9', { vmstorage: {} });
// @ts-expect-error -- a bare number for a retention
new VmCluster(chart, '10', { vmstorage: { volume }, retention: 90 });
// @ts-expect-error -- a bare number for a size
new VmCluster(chart, '11', { vmstorage: { volume: { size: 200 } } });
// @ts-expect-error -- an autoscaler on vmstorage
new VmCluster(chart, '12', { vmstorage: { volume, autoscaling: { minReplicas: 1, maxReplicas: 2 } } });
// @ts-expect-error -- replicas of a single node
new VmSingle(chart, '13', { volume, replicas: 2 });
// @ts-expect-error -- a query endpoint where data is to be sent
remoteWriteTo(cluster.read());
// @ts-expect-error -- a URL where an endpoint is wanted
remoteWriteTo('http://elsewhere/api/v1/write');
// @ts-expect-error -- an external query endpoint where data is to be sent
remoteWriteTo(ReadEndpoint.external('http://elsewhere'));

const agent = { remoteWrite: [cluster.write()] };
new VmAgent(chart, '20', {
  remoteWrite: [cluster.write(), { endpoint: cluster.write(Tenant.of(1)), maxDiskUsage: Size.gibibytes(1) }],
  scrape: [Scrape.annotatedPods(), Scrape.nodes()],
  streamAggregation: { rules: [{ interval: Duration.minutes(1), outputs: ['sum_samples'] }] },
});

// @ts-expect-error -- nowhere to send to
new VmAgent(chart, '21', {});
// @ts-expect-error -- a query endpoint where samples are to be sent
new VmAgent(chart, '22', { remoteWrite: [cluster.read()] });
// @ts-expect-error -- a misspelt prop of a target
new VmAgent(chart, '23', { remoteWrite: [{ endpoint: cluster.write(), maxDiskUse: Size.gibibytes(1) }] });
// @ts-expect-error -- an autoscaler, which would change who scrapes what
new VmAgent(chart, '24', { ...agent, autoscaling: { minReplicas: 1, maxReplicas: 2 } });
new VmAgent(chart, '25', {
  ...agent,
  // @ts-expect-error -- an output that there is not
  streamAggregation: { rules: [{ interval: Duration.minutes(1), outputs: ['summ'] }] },
});
// @ts-expect-error -- a relabeling action that there is not
Scrape.annotatedPods({ relabelConfigs: [{ action: 'repalce', targetLabel: 'a' }] });
// @ts-expect-error -- a password as text
new VmAuth(chart, '26', { users: { shop: { password: 'hunter2', routes: [cluster.read()] } } });
// @ts-expect-error -- a user who may do nothing
new VmAuth(chart, '27', { users: { shop: { password: SecretRef.of('a', 'b') } } });
// @ts-expect-error -- several processes, of which each would know a part
new Pushgateway(chart, '28', { replicas: 2 });
// @ts-expect-error -- a collector that there is not
new NodeExporter(chart, '29', { collectors: { cpuu: true } });
// @ts-expect-error -- an exposure without saying who comes in
new EndpointIngress(chart, '30', { host: 'metrics.example.com', endpoint: cluster.write() });
// @ts-expect-error -- a collector that sends nowhere
new OpenTelemetryCollector(chart, '31', {});
// @ts-expect-error -- no volume
new Prometheus(chart, '32', { scrape: [Scrape.annotatedPods()] });
