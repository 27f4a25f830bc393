import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { LIBRARY, PlainArgs } from '../flags';
import { checkProps, checkRequired, milliseconds, Problems, type Checked } from '../validation';
import { Cpu, goDuration, IMAGES } from '../values';
import { NotifyEndpoint, type Endpoint } from '../wiring';
import {
  fieldEnv,
  instanceName,
  livenessProbe,
  pageProbe,
  readinessProbe,
  secretPath,
  setExternalUrl,
  setWebArgs,
  Workload,
  type VolumeProps,
} from '../workload';
import { SHAPE, type AlertmanagerProps } from './props';
import { TEMPLATE_FOLDER } from './templates';

const PORT_NAME = 'http';
const PORT = 9093;
const GOSSIP_PORT_NAME = 'gossip';
const GOSSIP_PORT = 9094;
const DATA_PATH = '/alertmanager';
const CONFIG_FOLDER = '/etc/alertmanager/config';
const CONFIG_FILE = 'alertmanager.yml';
const DEFAULT_VOLUME: VolumeProps = { size: Size.gibibytes(1) };
const DEFAULT_RETENTION = Duration.days(5);

/**
 * Alertmanager, a StatefulSet: groups alerts, silences them, and notifies people of them.
 *
 * A change of the config or of a template rolls the pods; Secrets are read again whenever they are sent. Unless told
 * otherwise a pod requests 10m CPU and 64Mi memory, is limited to 256Mi memory and not in CPU, has a minute to end, and
 * readiness and liveness probes.
 *
 * It may connect to where the config says: to URLs that stand there, and to port 443 of any address for integrations
 * whose URL is a secret or their own. For others write `alertmanager.connections.allowTo(...)`.
 *
 * @see https://prometheus.io/docs/alerting/latest/alertmanager/
 */
export class Alertmanager extends Workload {
  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: AlertmanagerProps) {
    const problems = new Problems();
    const props: Checked<AlertmanagerProps> = checkProps(given, SHAPE, problems);
    const { config, replicas = 1, templates = {}, retention = DEFAULT_RETENTION, httpAuth } = props;
    checkRequired(given, 'config', problems, {
      rule: 'without routes and receivers nobody would be notified',
      fix: 'write for example `config: AlertmanagerConfig.bySeverity({ critical: ..., warning: ... })`',
    });
    config?.check(templates, milliseconds(retention) / 1000, problems);
    const instance = instanceName(props.name, id, '-alertmanager', problems);
    const clustered = replicas > 1;
    const args = alertmanagerArgs(props, problems);
    super(scope, id, {
      controller: {
        kind: 'StatefulSet',
        replicas,
        data: { volume: props.volume ?? DEFAULT_VOLUME, mountPath: DATA_PATH },
        balanced: true,
      },
      name: `${instance}-alertmanager`,
      identity: { name: 'alertmanager', instance, component: 'alerting' },
      image: IMAGES.alertmanager,
      args: () => args.render(),
      env: clustered ? [fieldEnv('POD_IP', 'status.podIP')] : [],
      secrets: () => [...(config?.secrets ?? []), ...(httpAuth ? [httpAuth.webConfig] : [])],
      ports: [
        { name: PORT_NAME, port: PORT, appProtocol: 'http' },
        // Gossip is on UDP as well, which a client-side apply could not tell from TCP; listing it opens nothing.
        ...(clustered
          ? [{ name: GOSSIP_PORT_NAME, port: GOSSIP_PORT, protocols: ['TCP', 'UDP'] as const, podsOnly: true }]
          : []),
      ],
      metrics: [{ portName: PORT_NAME }],
      credentials: httpAuth,
      resources: {
        cpu: { request: Cpu.millis(10) },
        memory: { request: Size.mebibytes(64), limit: Size.mebibytes(256) },
      },
      probes: {
        readiness: readinessProbe(pageProbe('/-/ready', PORT_NAME, httpAuth)),
        liveness: livenessProbe(pageProbe('/-/healthy', PORT_NAME, httpAuth)),
      },
      // At its end it writes silences and what was sent to its files, and tells its peers that it goes.
      gracePeriod: { standard: Duration.minutes(1), least: Duration.seconds(10) },
      props,
      prefix: '',
      problems,
    });
    if (clustered) {
      const peers = Array.from({ length: replicas }, (_, ordinal) => this.podEndpoint(ordinal, GOSSIP_PORT_NAME));
      args
        .set(
          'cluster.peer',
          peers.map(({ address }) => address),
          'replicas',
        )
        // Keeps apart Alertmanagers of which one gets an address that another had.
        .set('cluster.label', [this.namespace, this.name].filter((part) => part !== undefined).join('/'), 'replicas');
      this.connections.connectTo(this.connections, { port: GOSSIP_PORT }, { port: GOSSIP_PORT, protocol: 'UDP' });
    }
    config?.connectFrom(this);
    const hasTemplates = Object.keys(templates).length > 0;
    if (config) {
      this.addConfigFiles('config', CONFIG_FOLDER, () => ({ [CONFIG_FILE]: config.render(hasTemplates, secretPath) }));
    }
    if (hasTemplates) this.addConfigFiles('templates', TEMPLATE_FOLDER, templates);
  }

  /** Where alerts are sent: to every pod, since they tell each other what they sent, not what they got. */
  public notify(): NotifyEndpoint {
    const replicas = Array.from({ length: this.replicas }, (_, ordinal) => this.podEndpoint(ordinal, PORT_NAME));
    return new NotifyEndpoint(this.endpointProps(PORT_NAME, { writes: true }), replicas);
  }

  /** The web page and the API, by which alerts are seen and silenced. */
  public ui(): Endpoint {
    return this.endpoint(PORT_NAME, { writes: true });
  }
}

function alertmanagerArgs(props: Checked<AlertmanagerProps>, problems: Problems): PlainArgs {
  const { replicas = 1, retention = DEFAULT_RETENTION, externalUrl, httpAuth } = props;
  const clustered = replicas > 1;
  const args = new PlainArgs(problems);
  setWebArgs(args, `:${PORT}`, LIBRARY, httpAuth);
  setExternalUrl(args, externalUrl);
  return (
    args
      .set('config.file', `${CONFIG_FOLDER}/${CONFIG_FILE}`, LIBRARY)
      .set('storage.path', DATA_PATH, LIBRARY)
      .set('data.retention', goDuration(retention), 'retention')
      .set('cluster.listen-address', clustered ? `0.0.0.0:${GOSSIP_PORT}` : '', 'replicas')
      // Else it looks for a private address, which the network of pods may not have. The brackets are for IPv6.
      .set('cluster.advertise-address', clustered ? { template: `[$(POD_IP)]:${GOSSIP_PORT}` } : undefined, 'replicas')
      // A pod that comes back has another address, and is found by its name again.
      .set('cluster.reconnect-timeout', clustered ? '5m' : undefined, LIBRARY)
      .set('cluster.peer', undefined, 'replicas')
      .set('cluster.label', undefined, 'replicas')
      .addExtra(props.extraArgs)
  );
}
