import { Construct } from 'constructs';
import type { IngestEndpoints } from '../victoria-metrics';
import { Problems } from '../validation';
import type { Tenant } from '../values';
import type { Endpoint, ReadEndpoint, WriteEndpoint } from '../wiring';
import { clusterModel } from './model';
import type { VmClusterProps } from './props';
import { VmInsert } from './vminsert';
import { VmSelect } from './vmselect';
import { VmStorage } from './vmstorage';

/**
 * A VictoriaMetrics cluster: vmstorage, vminsert and vmselect, wired so that replication, deduplication and the list
 * of storage nodes cannot disagree.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/
 */
export class VmCluster extends Construct {
  /** The StatefulSet that stores data. */
  public readonly vmstorage: VmStorage;
  /** The Deployment that takes data. */
  public readonly vminsert: VmInsert;
  /** The Deployment, or with its cache on a claim the StatefulSet, that answers queries. */
  public readonly vmselect: VmSelect;

  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, props: VmClusterProps) {
    super(scope, id);
    const problems = new Problems();
    problems.reportAt(this);
    const model = clusterModel(id, props, problems);
    this.vmstorage = new VmStorage(this, 'vmstorage', model);
    this.vminsert = new VmInsert(this, 'vminsert', model, this.vmstorage);
    this.vmselect = new VmSelect(this, 'vmselect', model, this.vmstorage);
  }

  /**
   * Where to send Prometheus remote write.
   *
   * @param tenant the default tenant when left out
   * @throws InvalidValueError when it is no tenant.
   */
  public write(tenant?: Tenant): WriteEndpoint {
    return this.ingest(tenant).remoteWrite;
  }

  /**
   * Where to query.
   *
   * @param tenant the default tenant when left out
   * @throws InvalidValueError when it is no tenant.
   */
  public read(tenant?: Tenant): ReadEndpoint {
    return this.vmselect.read(tenant);
  }

  /**
   * Where to send data by any protocol.
   *
   * @param tenant the default tenant when left out
   * @throws InvalidValueError when it is no tenant.
   */
  public ingest(tenant?: Tenant): IngestEndpoints {
    return this.vminsert.ingest(tenant);
  }

  /**
   * Has queries for rules and alerts answered, as Prometheus answers them: `/api/v1/rules`, `/api/v1/alerts`, and the
   * pages of vmalert below `/vmalert`. Grafana shows the alerts of a data source by them.
   *
   * @param vmalert `vmAlert.pages()`, of no more than one vmalert
   */
  public showAlerts(vmalert: Endpoint): void {
    this.vmselect.showAlerts(vmalert);
  }
}
