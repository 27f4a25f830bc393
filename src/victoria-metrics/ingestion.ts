import type { Duration } from 'cdk8s';
import type { FlagSet, VminsertFlags } from '../flags';
import { atLeastOne, boolean, InvalidValueError, integer, object, portNumber, type Check } from '../validation';
import type { Tenant } from '../values';
import { Endpoint, WriteEndpoint, type EndpointProps } from '../wiring';
import type { PortProps } from '../workload';
import { HTTP_PORT_NAME } from './server';

/** What the labels of a sample may be. Samples beyond are dropped and counted. */
export interface LabelLimits {
  /** How many labels a series may have. @default - 40 */
  readonly maxLabelsPerTimeseries?: number;
  /** How long a name may be, in bytes, up to 65,535. @default - 256 */
  readonly maxLabelNameLength?: number;
  /** How long a value may be, in bytes, up to 65,535. @default - 4096 */
  readonly maxLabelValueLength?: number;
}

/** A listener of a protocol that has no path of its own on the HTTP port. */
export interface ListenerProps {
  /** The number of the port. @default - the well-known port of the protocol */
  readonly port?: number;
}

/** A listener whose protocol is spoken over UDP as well. */
export interface UdpListenerProps extends ListenerProps {
  /**
   * Takes data over UDP too. Wants `serverSideApply` of `StackDefaults`: a client-side `kubectl apply` tells the ports
   * of a Service apart by number only, and loses one of the two when it changes them.
   *
   * @default false
   */
  readonly udp?: boolean;
}

/** Listeners beside the HTTP port; none is open unless named. Graphite and telnet bring data of the default tenant only. */
export interface Listeners {
  /** Graphite plaintext, on port 2003. @default - closed */
  readonly graphite?: UdpListenerProps;
  /** OpenTSDB telnet and HTTP put messages, on port 4242. @default - closed */
  readonly openTsdb?: UdpListenerProps;
  /** OpenTSDB HTTP `/api/put` alone, on port 4242. @default - closed */
  readonly openTsdbHttp?: ListenerProps;
}

const LISTENERS = {
  graphite: { name: 'graphite', port: 2003, flag: 'graphiteListenAddr' },
  openTsdb: { name: 'opentsdb', port: 4242, flag: 'opentsdbListenAddr' },
  openTsdbHttp: { name: 'opentsdb-http', port: 4242, flag: 'opentsdbHTTPListenAddr' },
} as const satisfies Record<keyof Listeners, PortProps & { flag: keyof VminsertFlags }>;

const LISTENER_ENTRIES = Object.entries(LISTENERS) as [keyof Listeners, (typeof LISTENERS)[keyof Listeners]][];

/** VictoriaMetrics refuses to start with more. */
const labelLength = integer({ min: 1, max: 65_535 });

export const labelLimitsCheck: Check = object<LabelLimits>({
  maxLabelsPerTimeseries: atLeastOne,
  maxLabelNameLength: labelLength,
  maxLabelValueLength: labelLength,
});

const udpListener = object<UdpListenerProps>({ port: portNumber, udp: boolean });

export const listenersCheck: Check = object<Listeners>({
  graphite: udpListener,
  openTsdb: udpListener,
  openTsdbHttp: object<ListenerProps>({ port: portNumber }),
});

type IngestionFlags = Pick<
  VminsertFlags,
  'maxLabelsPerTimeseries' | 'maxLabelNameLen' | 'maxLabelValueLen' | (typeof LISTENERS)[keyof typeof LISTENERS]['flag']
>;

export function setIngestionFlags(
  flags: FlagSet<IngestionFlags>,
  limits: LabelLimits = {},
  listeners: Listeners = {},
  prefix: string,
): void {
  flags
    .set('maxLabelsPerTimeseries', limits.maxLabelsPerTimeseries, 'labelLimits.maxLabelsPerTimeseries')
    .set('maxLabelNameLen', limits.maxLabelNameLength, 'labelLimits.maxLabelNameLength')
    .set('maxLabelValueLen', limits.maxLabelValueLength, 'labelLimits.maxLabelValueLength');
  for (const [protocol, { flag }] of LISTENER_ENTRIES) {
    const open = listeners[protocol] !== undefined;
    flags.set(flag, open ? `:${portOf(listeners, protocol)}` : undefined, `${prefix}listeners.${protocol}`);
  }
}

export function listenerPorts(listeners: Listeners = {}, prefix: string): PortProps[] {
  return LISTENER_ENTRIES.filter(([protocol]) => listeners[protocol] !== undefined).map(([protocol, { name }]) => ({
    name,
    port: portOf(listeners, protocol),
    protocols: (listeners[protocol] as UdpListenerProps).udp ? ['TCP', 'UDP'] : ['TCP'],
    source: `${prefix}listeners.${protocol}`,
  }));
}

function portOf(listeners: Listeners, protocol: keyof Listeners): number {
  return listeners[protocol]?.port ?? LISTENERS[protocol].port;
}

/** Where the ingestion protocols over HTTP are served, of one tenant. */
export interface HttpIngestProps {
  /** Which is part of all paths. @default - there are no tenants */
  readonly tenant?: Tenant;
  /** Of samples of one series within this interval the storage keeps one. @default - all are kept, or it is not known */
  readonly dedupInterval?: Duration;
}

/** Where all ingestion protocols of one tenant are served. */
export interface IngestProps extends HttpIngestProps {
  readonly listeners?: Listeners;
  /** Where the user opens listeners, e.g. `vminsert.`. */
  readonly prefix: string;
}

/** Makes what an endpoint at one of the ports is made from. */
export type AtPort = (portName: string, props: Partial<EndpointProps>) => EndpointProps;

/** An endpoint for every protocol over HTTP that VictoriaMetrics takes data by, for one tenant. */
export class HttpIngestEndpoints {
  /** What all paths begin with. @internal */
  protected readonly root: string;
  /** What the paths of Prometheus begin with. */
  private readonly prometheus: string;

  /** @internal */
  public constructor(
    /** @internal */ protected readonly atPort: AtPort,
    /** @internal */ protected readonly props: HttpIngestProps,
  ) {
    this.root = props.tenant ? `/insert/${props.tenant}` : '';
    this.prometheus = props.tenant ? `${this.root}/prometheus` : '';
  }

  /** Prometheus remote write: snappy or zstd. */
  public get remoteWrite(): WriteEndpoint {
    return new WriteEndpoint(this.http(`${this.prometheus}/api/v1/write`));
  }

  /** The Prometheus text exposition format. */
  public get importText(): Endpoint {
    return new Endpoint(this.http(`${this.prometheus}/api/v1/import/prometheus`));
  }

  /** One JSON object a line, as `/api/v1/export` gives it. */
  public get importJson(): Endpoint {
    return new Endpoint(this.http(`${this.prometheus}/api/v1/import`));
  }

  /** CSV; the query parameter `format` says what the columns are. */
  public get importCsv(): Endpoint {
    return new Endpoint(this.http(`${this.prometheus}/api/v1/import/csv`));
  }

  /** VictoriaMetrics' own binary format, as `/api/v1/export/native` gives it. */
  public get importNative(): Endpoint {
    return new Endpoint(this.http(`${this.prometheus}/api/v1/import/native`));
  }

  /** OTLP metrics: protobuf over HTTP. */
  public get otlp(): Endpoint {
    return new Endpoint(this.http(`${this.root}/opentelemetry/v1/metrics`));
  }

  /** InfluxDB line protocol, version 1 of the write API. */
  public get influx(): Endpoint {
    return new Endpoint(this.http(`${this.root}/influx/write`));
  }

  /** InfluxDB line protocol, version 2 of the write API. */
  public get influxV2(): Endpoint {
    return new Endpoint(this.http(`${this.root}/influx/api/v2/write`));
  }

  /** What a Datadog agent takes as `dd_url`: it adds `/api/v1/series`, `/api/v2/series` and others itself. */
  public get datadog(): Endpoint {
    return new Endpoint(this.http(`${this.root}/datadog`));
  }

  /** The New Relic infrastructure agent's events. */
  public get newRelic(): Endpoint {
    return new Endpoint(this.http(`${this.root}/newrelic/infra/v2/metrics/events/bulk`));
  }

  /** Item values of a Zabbix server's connector, a JSON object a line. */
  public get zabbix(): Endpoint {
    return new Endpoint(this.http(`${this.root}/zabbixconnector/api/v1/history`));
  }

  private http(path: string): EndpointProps {
    const { tenant, dedupInterval } = this.props;
    const props = this.atPort(HTTP_PORT_NAME, { path, tenant, dedupInterval, writes: true });
    return { storage: props.owner, ...props };
  }
}

/** An endpoint for every protocol that VictoriaMetrics takes data by, for one tenant. */
export class IngestEndpoints extends HttpIngestEndpoints {
  /** @internal */
  public constructor(
    atPort: AtPort,
    /** @internal */ protected override readonly props: IngestProps,
  ) {
    super(atPort, props);
  }

  /** Graphite plaintext. @throws InvalidValueError when `listeners.graphite` is not set, or for a tenant of its own. */
  public get graphite(): Endpoint {
    return this.listener('graphite', { scheme: 'tcp' });
  }

  /** OpenTSDB telnet. @throws InvalidValueError when `listeners.openTsdb` is not set, or for a tenant of its own. */
  public get openTsdb(): Endpoint {
    return this.listener('openTsdb', { scheme: 'tcp' });
  }

  /** OpenTSDB over HTTP. @throws InvalidValueError when `listeners.openTsdbHttp` is not set. */
  public get openTsdbHttp(): Endpoint {
    return this.listener('openTsdbHttp', { path: `${this.root}${this.props.tenant ? '/opentsdb' : ''}/api/put` });
  }

  private listener(protocol: keyof Listeners, props: Partial<EndpointProps>): Endpoint {
    const { listeners = {}, prefix, tenant } = this.props;
    if (listeners[protocol] === undefined) {
      throw new InvalidValueError({
        prop: `${prefix}listeners.${protocol}`,
        value: undefined,
        rule: `an endpoint for ${protocol} was asked for, but its listener is closed`,
        fix: `set \`${prefix}listeners: { ${protocol}: {} }\``,
      });
    }
    if (props.scheme === 'tcp' && tenant?.isDefault === false) {
      throw new InvalidValueError({
        prop: 'tenant',
        value: tenant,
        rule: `the protocol of ${protocol} names no tenant: all that it brings goes to tenant 0`,
        fix: 'leave the tenant out, or send the data through a protocol over HTTP',
      });
    }
    const plain = props.scheme === 'tcp' ? { credentials: undefined } : {};
    return new Endpoint(this.atPort(LISTENERS[protocol].name, { ...props, ...plain, tenant, writes: true }));
  }
}
