import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { LIBRARY, PlainArgs } from '../flags';
import { anyText, checkProps, forbidden, listOf, Problems, type Shape } from '../validation';
import { Cpu, IMAGES } from '../values';
import type { Endpoint } from '../wiring';
import {
  INSTANCE_SHAPE,
  instanceName,
  pageProbe,
  readinessProbe,
  setWebArgs,
  volumeCheck,
  Workload,
  WORKLOAD_SHAPE,
  webConfigAuthCheck,
  type InstanceProps,
  type VolumeProps,
  type WorkloadProps,
  type WebConfigAuth,
} from '../workload';

/** A Pushgateway. */
export interface PushgatewayProps extends WorkloadProps, InstanceProps {
  /**
   * Where pushed metrics are kept over a restart. They are written 5 minutes after a push at the latest, and at the
   * end of the process; `--persistence.interval` in `extraArgs` changes that.
   *
   * @default - in memory only
   */
  readonly volume?: VolumeProps;
  /** Basic auth for all requests. Endpoints carry it to whoever connects. @default - none */
  readonly httpAuth?: WebConfigAuth;
  /** Args that no prop covers, each as `--name` or `--name=value`. @default - none */
  readonly extraArgs?: readonly string[];
}

const ONE_PROCESS = 'the processes would not know of what is pushed to each other, and each would report its own part';
const USE_ONE = 'remove it';

const SHAPE: Shape<PushgatewayProps & { readonly replicas?: never; readonly autoscaling?: never }> = {
  ...WORKLOAD_SHAPE,
  ...INSTANCE_SHAPE,
  volume: volumeCheck,
  httpAuth: webConfigAuthCheck,
  extraArgs: listOf(anyText),
  replicas: forbidden(ONE_PROCESS, USE_ONE),
  autoscaling: forbidden(ONE_PROCESS, USE_ONE),
};

const PORT_NAME = 'http';
const DATA_PATH = '/data';

/**
 * A Pushgateway: keeps what jobs push that are gone before anybody could scrape them.
 *
 * It is one pod of a StatefulSet, since an update of a Deployment runs two for a while. Unless told otherwise it
 * requests 10m CPU and 64Mi memory, is limited to 256Mi memory and not in CPU, has 30 s to end, a readiness probe and no
 * other: it calls itself unhealthy when its disk is slow, which a restart does not mend.
 *
 * @see https://github.com/prometheus/pushgateway
 */
export class Pushgateway extends Workload {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: PushgatewayProps = {}) {
    const problems = new Problems();
    const props: PushgatewayProps = checkProps(given, SHAPE, problems);
    const { volume, httpAuth } = props;
    const instance = instanceName(props.name, id, '-pushgateway', problems);
    const args = new PlainArgs(problems);
    setWebArgs(args, ':9091', LIBRARY, httpAuth);
    args
      .set('persistence.file', volume && `${DATA_PATH}/metrics`, 'volume')
      .refuse(
        ['web.enable-admin-api', 'web.enable-lifecycle'],
        'whoever may push could then wipe all metrics or end the process',
        'remove it; a DELETE of /metrics/job/NAME removes one group',
      )
      .addExtra(props.extraArgs);
    super(scope, id, {
      controller: {
        kind: 'StatefulSet',
        replicas: 1,
        data: volume && { volume, mountPath: DATA_PATH },
        balanced: true,
      },
      name: `${instance}-pushgateway`,
      identity: { name: 'pushgateway', instance, component: 'push' },
      image: IMAGES.pushgateway,
      args: () => args.render(),
      secrets: () => (httpAuth ? [httpAuth.webConfig] : []),
      ports: [{ name: PORT_NAME, port: 9091, appProtocol: 'http' }],
      // What was pushed has the labels of the job that pushed it.
      metrics: [{ portName: PORT_NAME, honorLabels: true }],
      credentials: httpAuth,
      resources: {
        cpu: { request: Cpu.millis(10) },
        memory: { request: Size.mebibytes(64), limit: Size.mebibytes(256) },
      },
      probes: {
        readiness: readinessProbe(pageProbe('/-/ready', PORT_NAME, httpAuth)),
      },
      // At its end it writes all metrics to its file.
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(5) },
      props,
      prefix: '',
      problems,
    });
  }

  /** Where to push: clients append `/metrics/job/NAME` to the URL. */
  public push(): Endpoint {
    return this.endpoint(PORT_NAME, { writes: true });
  }
}
