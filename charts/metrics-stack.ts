import { ApiObject, Chart, type Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { allDashboards } from '../dashboards';
import { allRules } from '../rules';
import {
  Alertmanager,
  AlertSource,
  DefaultDeny,
  Grafana,
  KubeStateMetrics,
  MetricsDemo,
  NodeExporter,
  OpenTelemetryCollector,
  Pushgateway,
  Scrape,
  StackDefaults,
  VmAgent,
  VmAlert,
  VmAuth,
  VmCluster,
  VmSingle,
  type AlertmanagerProps,
  type AnonymousGrafanaProps,
  type Endpoint,
  type GrafanaBaseProps,
  type GrafanaWithUsersProps,
  type KubeStateMetricsProps,
  type MetricsDemoProps,
  type NetworkPolicyPeer,
  type NodeExporterProps,
  type OpenTelemetryCollectorProps,
  type PushgatewayProps,
  type Rules,
  type StackDefaultsProps,
  type VmAgentProps,
  type VmAlertProps,
  type VmAuthProps,
  type VmAuthUser,
  type VmClusterProps,
  type VmSingleProps,
} from '../src';

/** What makes an environment: where metrics are kept, what collects them, who may read and write them. */
export interface MetricsStackProps {
  /** Made by the stack, beside `<namespace>-nodes` where there is a node-exporter. */
  readonly namespace: string;
  /** Where metrics are kept: a cluster or a single node. */
  readonly storage: { readonly cluster: VmClusterProps } | { readonly single: VmSingleProps };
  /** Scrapes the whole stack, and what is named here. */
  readonly agent: Omit<VmAgentProps, 'remoteWrite'>;
  /** @default - none */
  readonly exporters?: ExportersProps;
  /** Takes OTLP. @default - none; the agent takes OTLP over HTTP as well */
  readonly openTelemetry?: Omit<OpenTelemetryCollectorProps, 'exporters'>;
  /** vmauth in front of the storage. @default - none */
  readonly access?: AccessProps;
  /** Evaluates the rules of `rules/` and tells people. @default - nothing is evaluated */
  readonly alerting?: AlertingProps;
  /** Shows the dashboards of `dashboards/`. @default - none */
  readonly grafana?: Shown<GrafanaWithUsersProps> | Shown<AnonymousGrafanaProps>;
  /** A shop that makes up metrics, for the agent to scrape. @default - none */
  readonly demo?: Omit<MetricsDemoProps, 'scrape' | 'remoteWrite' | 'otlp'>;
  /**
   * Who may connect to what is there for others: vmauth, OTLP, Pushgateway, and Grafana. Without it nobody can but by
   * `kubectl port-forward`.
   *
   * @default - nobody
   */
  readonly clients?: readonly NetworkPolicyPeer[];
  /** What holds for all pods. @default - the defaults of the library */
  readonly defaults?: StackDefaultsProps;
}

/** What tells about the Kubernetes cluster and about jobs; none unless named. */
export interface ExportersProps {
  /** In a namespace of its own, which lets it look at the nodes. */
  readonly nodes?: NodeExporterProps;
  /** Tells about the objects of the Kubernetes API. @default - none */
  readonly kubeState?: KubeStateMetricsProps;
  /** Keeps what jobs push. @default - none */
  readonly pushgateway?: PushgatewayProps;
}

type Right = 'read' | 'write';

/** Who may do what with the metrics of the default tenant. */
export interface AccessProps extends Omit<VmAuthProps, 'users' | 'unauthorized'> {
  /** By name. @default - none */
  readonly users?: Readonly<Record<string, Omit<VmAuthUser, 'routes'> & { readonly may: readonly Right[] }>>;
  /** What needs no credentials. @default - nothing */
  readonly everybodyMay?: readonly Right[];
}

/** What becomes of metrics that are not as they should be. */
export interface AlertingProps {
  /** @default - one vmalert with its defaults */
  readonly vmalert?: Omit<VmAlertProps, 'datasource' | 'remoteWrite' | 'remoteRead' | 'notifiers' | 'rules'>;
  /** Rules beside those of `rules/`. @default - none */
  readonly rules?: readonly Rules[];
  /** Told of all alerts. */
  readonly alertmanager: AlertmanagerProps;
}

/** What the stack itself knows of a Grafana. */
type Shown<P extends GrafanaBaseProps> = Omit<P, 'datasources' | 'dashboards' | 'alertmanager'>;

/** The uid of Grafana's data source. */
const DATASOURCE = 'victoriametrics';

/** A namespace, in a file of its own so that it is there before what lives in it. */
class NamespaceChart extends Chart {
  public constructor(scope: Construct, id: string, namespace: string, podSecurity: 'restricted' | 'privileged') {
    super(scope, id);
    new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': podSecurity } },
    });
    new DefaultDeny(this, 'default-deny', { namespace });
  }
}

/** What looks at the nodes, which Pod Security wants apart from everything else. */
class NodesChart extends Chart {
  public readonly exporter: NodeExporter;

  public constructor(scope: Construct, id: string, namespace: string, { defaults = {}, props }: NodesProps) {
    super(scope, id, { namespace });
    StackDefaults.set(this, defaults);
    this.addDependency(new NamespaceChart(scope, `${id}-namespace`, namespace, 'privileged'));
    this.exporter = new NodeExporter(this, 'nodes', props);
  }
}

interface NodesProps {
  readonly defaults?: StackDefaultsProps;
  readonly props: NodeExporterProps;
}

/** The metrics stack of one environment. */
export class MetricsStack extends Chart {
  public readonly storage: VmCluster | VmSingle;
  public readonly agent: VmAgent;
  public readonly auth: VmAuth | undefined;
  public readonly pushgateway: Pushgateway | undefined;
  public readonly openTelemetry: OpenTelemetryCollector | undefined;
  public readonly alertmanager: Alertmanager | undefined;
  public readonly vmalert: VmAlert | undefined;
  public readonly grafana: Grafana | undefined;

  public constructor(scope: Construct, id: string, props: MetricsStackProps) {
    const { namespace, storage, agent, exporters = {}, openTelemetry, access, alerting, grafana, demo } = props;
    const { clients = [], defaults = {} } = props;
    super(scope, id, { namespace });
    StackDefaults.set(this, defaults);
    this.addDependency(new NamespaceChart(scope, `${id}-namespace`, namespace, 'restricted'));
    this.storage =
      'cluster' in storage
        ? new VmCluster(this, 'metrics', storage.cluster)
        : new VmSingle(this, 'metrics', storage.single);

    const nodes =
      exporters.nodes &&
      new NodesChart(scope, `${id}-nodes`, `${namespace}-nodes`, { defaults, props: exporters.nodes });
    this.agent = new VmAgent(this, 'agent', {
      ...agent,
      remoteWrite: [this.storage.write()],
      scrape: [...(agent.scrape ?? []), ...(nodes ? [Scrape.component(nodes.exporter)] : [])],
    });
    if (exporters.kubeState) new KubeStateMetrics(this, 'kubernetes', exporters.kubeState);
    this.pushgateway = exporters.pushgateway && new Pushgateway(this, 'jobs', exporters.pushgateway);
    this.openTelemetry =
      openTelemetry &&
      new OpenTelemetryCollector(this, 'telemetry', { ...openTelemetry, exporters: [this.storage.ingest().otlp] });
    this.auth = access && new VmAuth(this, 'gateway', this.vmAuthProps(access));
    this.alertmanager = alerting && new Alertmanager(this, 'alerts', alerting.alertmanager);
    this.vmalert = alerting && this.evaluate(alerting, grafana?.externalUrl);
    this.grafana = grafana && this.show(grafana, agent.global?.interval);
    // The agent finds it by its annotations, as it finds every other application.
    if (demo) new MetricsDemo(this, 'shop', demo).http().connectFrom(this.agent);
    for (const endpoint of this.openToClients(Object.keys(access?.users ?? {}))) {
      for (const peer of clients) endpoint.allowFrom(peer);
    }
  }

  /** What clients outside of the stack are meant to reach. All users of vmauth come in by one port. */
  private openToClients(users: readonly string[]): Endpoint[] {
    const { auth, openTelemetry, pushgateway, grafana } = this;
    return [
      ...(auth ? [auth.endpointOf(users[0])] : []),
      ...(openTelemetry ? [openTelemetry.otlpGrpc(), openTelemetry.otlpHttp()] : []),
      ...(pushgateway ? [pushgateway.push()] : []),
      ...(grafana ? [grafana.ui()] : []),
    ];
  }

  /** @param grafanaUrl where users reach Grafana: links of alerts lead to its page for queries */
  private evaluate({ vmalert, rules = [] }: AlertingProps, grafanaUrl: string | undefined): VmAlert {
    const evaluation = new VmAlert(this, 'rules', {
      externalUrl: grafanaUrl,
      alertSource: grafanaUrl === undefined ? undefined : AlertSource.grafanaExplore({ datasource: DATASOURCE }),
      ...vmalert,
      datasource: this.storage.read(),
      remoteWrite: this.storage.write(),
      notifiers: this.alertmanager && [this.alertmanager.notify()],
      rules: [allRules(), ...rules],
    });
    this.storage.showAlerts(evaluation.pages());
    return evaluation;
  }

  private show(grafana: Required<MetricsStackProps>['grafana'], interval: Duration | undefined): Grafana {
    return new Grafana(this, 'dashboards', {
      ...grafana,
      datasources: [
        { endpoint: this.storage.read(), uid: DATASOURCE, interval, manageAlerts: this.vmalert !== undefined },
      ],
      dashboards: allDashboards(),
      alertmanager: this.alertmanager?.notify(),
    });
  }

  private vmAuthProps({ users, everybodyMay, ...props }: AccessProps): VmAuthProps {
    const routes = (rights: readonly Right[]): VmAuthUser['routes'] =>
      rights.map((right) => (right === 'read' ? this.storage.read() : this.storage.write()));
    const accounts = Object.entries(users ?? {}).map(
      ([name, { may, ...user }]) => [name, { ...user, routes: routes(may) }] as const,
    );
    return {
      ...props,
      users: users && Object.fromEntries(accounts),
      unauthorized: everybodyMay && { routes: routes(everybodyMay) },
    };
  }
}
