import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { FlagSet, vmselectFlags, type VmselectFlags } from '../flags';
import {
  DEFAULT_MAX_QUERY_DURATION,
  HTTP_PORT_NAME,
  passAlertsOn,
  setGracefulFlags,
  setQueryFlags,
  SHUTDOWN_DELAY,
  VictoriaMetricsServer,
} from '../victoria-metrics';
import { wholeSeconds } from '../validation';
import { Cpu, IMAGES, Tenant } from '../values';
import { ReadEndpoint, type Endpoint } from '../wiring';
import { isEphemeral, scaling, type VolumeProps } from '../workload';
import type { ClusterModel } from './model';
import type { VmSelectProps } from './props';
import { allNodes, setNodeFlags } from './storage-nodes';
import type { VmStorage } from './vmstorage';

const PREFIX = 'vmselect.';
const CACHE_PATH = '/cache';

/** What vmselect needs after its last query, to save its cache. */
const SAVE_CACHE_SECONDS = 20;

/**
 * vmselect: a Deployment, or a StatefulSet where its cache is on a claim.
 *
 * Unless told otherwise a pod requests 100m CPU and 500Mi memory, is limited to 1Gi memory and not in CPU, has 20 s
 * beyond `shutdownDelay` and the longest query to end, and readiness and liveness probes.
 */
export class VmSelect extends VictoriaMetricsServer<VmselectFlags> {
  private readonly maxQueryDuration: Duration;
  private readonly flags: FlagSet<VmselectFlags>;

  /** @internal */
  public constructor(scope: Construct, id: string, model: ClusterModel, vmstorage: VmStorage) {
    const { vmselect: props, queryLimits, replicationFactor, problems } = model;
    const { shutdownDelay = SHUTDOWN_DELAY, resetCacheAuthKey } = props;
    const cache: VolumeProps = props.cache ?? { ephemeral: true };
    const scale = scaling(props, PREFIX, problems);
    const { maxQueryDuration = DEFAULT_MAX_QUERY_DURATION } = queryLimits ?? {};
    const answering = wholeSeconds(shutdownDelay) + wholeSeconds(maxQueryDuration);
    const nodes = allNodes(vmstorage.selectNodes(), model, 'selectPort');
    const flags = new FlagSet(vmselectFlags, problems);
    setQueryFlags(flags, queryLimits);
    setNodeFlags(flags, nodes, replicationFactor);
    flags
      .set('dedup.minScrapeInterval', model.dedupInterval, 'dedupInterval')
      .set('cacheDataPath', CACHE_PATH, `${PREFIX}cache`)
      .set('search.resetCacheAuthKey', resetCacheAuthKey, `${PREFIX}resetCacheAuthKey`);
    setGracefulFlags(flags, props, PREFIX, { duration: maxQueryDuration, prop: 'queryLimits.maxQueryDuration' });
    super(scope, id, {
      controller: isEphemeral(cache)
        ? { kind: 'Deployment', ...scale, data: { volume: cache, mountPath: CACHE_PATH } }
        : { kind: 'StatefulSet', ...scale, data: { volume: cache, mountPath: CACHE_PATH }, balanced: true },
      name: `${model.instance}-vmselect`,
      identity: { name: 'vmselect', instance: model.instance, component: 'select' },
      image: model.image(IMAGES.vmselect),
      flags,
      httpPort: 8481,
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would throttle queries.
      resources: {
        cpu: { request: Cpu.millis(100) },
        memory: { request: Size.mebibytes(500), limit: Size.gibibytes(1) },
      },
      liveness: true,
      gracePeriod: {
        standard: Duration.seconds(answering + SAVE_CACHE_SECONDS),
        least: Duration.seconds(answering),
      },
      props,
      prefix: PREFIX,
      problems,
    });
    this.maxQueryDuration = maxQueryDuration;
    this.flags = flags;
    for (const node of nodes) node.connectFrom(this);
    const most = scale.autoscaling?.maxReplicas ?? scale.replicas;
    if (!isEphemeral(cache) && most > 1) this.connectPeers(flags, most, props);
  }

  /** The Prometheus query API for one tenant. */
  public read(given?: Tenant): ReadEndpoint {
    const tenant = Tenant.from(given);
    const { maxQueryDuration } = this;
    return new ReadEndpoint(
      this.endpointProps(HTTP_PORT_NAME, { path: `/select/${tenant}/prometheus`, tenant, maxQueryDuration }),
    );
  }

  /** Answers questions for rules and alerts as well. @param vmalert its pages, of no more than one vmalert */
  public showAlerts(vmalert: Endpoint): void {
    passAlertsOn(this, this.flags, vmalert);
  }

  /**
   * Deleted series must leave the caches of all pods, or queries bring them back. Only pods of a StatefulSet have names
   * by which they can tell each other.
   */
  private connectPeers(
    flags: FlagSet<VmselectFlags>,
    most: number,
    { httpAuth, resetCacheAuthKey }: VmSelectProps,
  ): void {
    const peers = [...Array(most).keys()].map((ordinal) => this.podEndpoint(ordinal, HTTP_PORT_NAME));
    flags.set(
      'selectNode',
      peers.map((peer) => peer.address),
      `${PREFIX}cache`,
    );
    for (const peer of peers) peer.connectFrom(this);
    this.problems.when(httpAuth !== undefined && resetCacheAuthKey === undefined, {
      prop: `${PREFIX}resetCacheAuthKey`,
      value: undefined,
      rule: 'with httpAuth the processes refuse to reset the caches of each other, since they do not send it',
      fix: `set \`${PREFIX}resetCacheAuthKey\` to a SecretRef`,
    });
  }
}
