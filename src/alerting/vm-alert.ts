import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import type { VmalertFlags } from '../flags';
import { checkProps, checkRequired, Problems, wholeSeconds } from '../validation';
import { Cpu, IMAGES } from '../values';
import {
  FINISH_SECONDS,
  HTTP_PORT_NAME,
  imageOfVersion,
  SHUTDOWN_DELAY,
  VictoriaMetricsServer,
} from '../victoria-metrics';
import { clientSecrets, type Endpoint } from '../wiring';
import { instanceName } from '../workload';
import { checkEvaluation } from './checks';
import { alertFlags, RULES_FOLDER } from './flags';
import { SHAPE, type VmAlertProps } from './props';
import { ruleFiles } from './rules';

const DEFAULT_EVALUATION_INTERVAL = Duration.minutes(1);

/** How long a stopping vmalert tries to write what it still has: `-remoteWrite.retryMaxTime`. */
const WRITE_SECONDS = 30;

/** To end the evaluations that are under way. */
const SPARE_SECONDS = 10;

/**
 * vmalert: evaluates rules, stores what they record and tells Alertmanager of alerts. A Deployment.
 *
 * Rules are read again when they change, without a restart. Unless told otherwise a pod requests 50m CPU and 200Mi
 * memory, is limited to 500Mi memory and not in CPU, has 47 s beyond `shutdownDelay` to end, and readiness and liveness
 * probes.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/vmalert/
 */
export class VmAlert extends VictoriaMetricsServer<VmalertFlags> {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: VmAlertProps) {
    const problems = new Problems();
    const props: Partial<VmAlertProps> = checkProps(given, SHAPE, problems);
    checkRequired(given, 'datasource', problems, {
      rule: 'vmalert must be told where to query',
      fix: 'write for example `datasource: cluster.read()`',
    });
    checkRequired(given, 'rules', problems, {
      rule: 'vmalert must be told what to evaluate',
      fix: "write for example `rules: [Rules.fromDirectory('rules')]`",
    });
    const { datasource, remoteWrite, replicas = 1, shutdownDelay = SHUTDOWN_DELAY } = props;
    const remoteRead = props.remoteRead ?? (remoteWrite && datasource);
    const notifiers = (props.notifiers ?? []).flatMap((notifier) => notifier.replicas);
    const groups = (props.rules ?? []).flatMap((rules) => rules.check(problems));
    const instance = instanceName(props.name, id, '-vmalert', problems);
    const flags = alertFlags({ ...props, remoteRead, notifiers }, problems);
    const endpoints = [datasource, remoteWrite, remoteRead, ...notifiers].filter((endpoint) => endpoint !== undefined);
    const least = wholeSeconds(shutdownDelay) + FINISH_SECONDS + WRITE_SECONDS;
    super(scope, id, {
      controller: { kind: 'Deployment', replicas },
      name: `${instance}-vmalert`,
      identity: { name: 'vmalert', instance, component: 'alert' },
      image: imageOfVersion(IMAGES.vmalert, props.version, problems),
      flags,
      httpPort: 8880,
      secrets: () => endpoints.flatMap(({ credentials }) => clientSecrets(credentials)),
      // The defaults of the VictoriaMetrics operator, without its CPU limit, which would delay evaluations.
      resources: {
        cpu: { request: Cpu.millis(50) },
        memory: { request: Size.mebibytes(200), limit: Size.mebibytes(500) },
      },
      liveness: true,
      gracePeriod: { standard: Duration.seconds(least + SPARE_SECONDS), least: Duration.seconds(least) },
      props,
      prefix: '',
      problems,
    });
    // Pods know themselves by names that change, and links must not.
    flags.set('external.url', props.externalUrl ?? this.pages().url, 'externalUrl');
    checkEvaluation(
      {
        ...props,
        remoteRead: props.remoteRead,
        groups,
        notifiers,
        replicas,
        evaluationInterval: props.evaluationInterval ?? DEFAULT_EVALUATION_INTERVAL,
      },
      problems,
    );
    for (const endpoint of endpoints) endpoint.connectFrom(this);
    this.addConfigFiles('rules', RULES_FOLDER, ruleFiles(groups, problems), { split: true, reloaded: true });
  }

  /** The pages and the API that show rules and alerts; vmselect and Grafana read them as well. */
  public pages(): Endpoint {
    return this.endpoint(HTTP_PORT_NAME);
  }
}
