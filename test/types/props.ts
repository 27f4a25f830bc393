/**
 * What the compiler must refuse. Each line below an `@ts-expect-error` is an error; should it compile one day,
 * the type check fails.
 */
import type { Chart } from 'cdk8s';
import { Duration, Size } from 'cdk8s';
import { ReadEndpoint, Retention, Tenant, VmCluster, VmSingle, type WriteEndpoint } from '../../src';

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
