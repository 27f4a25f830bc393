import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { FlagSet, vmselectFlags, type VmselectFlags } from '../flags';
import { checkGraceful, HTTP_PORT_NAME, setQueryFlags, SHUTDOWN_DELAY, VictoriaMetricsServer } from '../roles';
import { Cpu, IMAGES, Tenant } from '../values';
import { ReadEndpoint } from '../wiring';
import { isEphemeral, scaling } from '../workload';
import type { ClusterModel } from './model';
import { externalNodes } from './storage-nodes';
import type { VmStorage } from './vmstorage';

const PREFIX = 'vmselect.';
const CACHE_PATH = '/cache';
const DEFAULT_MAX_QUERY_DURATION = Duration.seconds(30);

/** What vmselect needs after its last query, to save its cache. */
const SAVE_CACHE_SECONDS = 20;

/** vmselect: a Deployment, or a StatefulSet where its cache is on a claim. */
export class VmSelect extends VictoriaMetricsServer<VmselectFlags> {
  /** @internal */
  public constructor(scope: Construct, id: string, model: ClusterModel, vmstorage: VmStorage) {
    const { vmselect: props, queryLimits, replicationFactor, problems } = model;
    const { shutdownDelay = SHUTDOWN_DELAY, cache = { ephemeral: true } } = props;
    const { maxQueryDuration = DEFAULT_MAX_QUERY_DURATION } = queryLimits ?? {};
    const nodes = [...vmstorage.selectNodes(), ...externalNodes(model, 'selectPort')];
    const flags = new FlagSet(vmselectFlags, problems);
    setQueryFlags(flags, queryLimits);
    flags
      .set(
        'storageNode',
        nodes.map((node) => node.address),
        'vmstorage.replicas',
      )
      .set('replicationFactor', replicationFactor > 1 ? replicationFactor : undefined, 'replicationFactor')
      .set('dedup.minScrapeInterval', model.dedupInterval, 'dedupInterval')
      .set('cacheDataPath', CACHE_PATH, `${PREFIX}cache`)
      .set('http.shutdownDelay', shutdownDelay, `${PREFIX}shutdownDelay`)
      // The longest query that is running when the pod is told to go may finish.
      .set('http.maxGracefulShutdownDuration', maxQueryDuration, 'queryLimits.maxQueryDuration');
    super(scope, id, {
      kind: isEphemeral(cache) ? 'Deployment' : 'StatefulSet',
      name: `${model.instance}-vmselect`,
      identity: { name: 'vmselect', instance: model.instance, component: 'select' },
      defaultImage: IMAGES.vmselect,
      image: model.image(IMAGES.vmselect),
      flags,
      httpPort: 8481,
      ...scaling(props, PREFIX, problems),
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would throttle queries.
      resources: {
        cpu: { request: Cpu.millis(100) },
        memory: { request: Size.mebibytes(500), limit: Size.gibibytes(1) },
      },
      liveness: true,
      terminationGracePeriod: Duration.seconds(
        Math.ceil((shutdownDelay.toMilliseconds() + maxQueryDuration.toMilliseconds()) / 1000) + SAVE_CACHE_SECONDS,
      ),
      data: { volume: cache, mountPath: CACHE_PATH },
      balanced: true,
      stateful: false,
      props,
      prefix: PREFIX,
      problems,
    });
    checkGraceful(props, PREFIX, problems);
    for (const node of nodes) node.connectFrom(this);
    if (!isEphemeral(cache) && !props.autoscaling && this.replicas > 1) this.connectPeers(flags);
  }

  /** The Prometheus query API for one tenant. */
  public read(tenant: Tenant = Tenant.DEFAULT): ReadEndpoint {
    return new ReadEndpoint(this.endpointProps(HTTP_PORT_NAME, { path: `/select/${tenant}/prometheus`, tenant }));
  }

  /** Caches that outlive a restart must all be reset when one is, or deleted series would come back. */
  private connectPeers(flags: FlagSet<VmselectFlags>): void {
    const peers = [...Array(this.replicas).keys()].map((ordinal) => this.podEndpoint(ordinal, HTTP_PORT_NAME));
    flags.set(
      'selectNode',
      peers.map((peer) => peer.address),
      `${PREFIX}cache`,
    );
    for (const peer of peers) peer.connectFrom(this);
  }
}
