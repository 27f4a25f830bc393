import { isIP } from 'node:net';
import type { Duration } from 'cdk8s';
import { inTheClear, InvalidValueError, namesSecret } from '../validation';
import type { SecretRef, Tenant } from '../values';
import type { Wired } from './connections';
import { refuseBadCidr } from './cidr';
import { plainPeers, type NetworkPort, type Peer } from './peer';

/** Credentials that a client must send. Secrets are referred to, never written. */
export type Credentials =
  { readonly username: string; readonly password: SecretRef } | { readonly bearerToken: SecretRef };

/** Where an endpoint is. */
export interface EndpointProps {
  /** The protocol; `tcp` for one without URLs. */
  readonly scheme: 'http' | 'https' | 'tcp';
  /** The DNS name or address. */
  readonly host: string;
  /** The number of the port. */
  readonly port: number;
  /** What follows the port in the URL, with its first `/`. @default - none */
  readonly path?: string;
  /** The pods behind the endpoint. @default - none: the endpoint is outside of the stack */
  readonly owner?: Wired;
  /** Ports that clients open, where they are more than `port` over TCP. @default - `port` over TCP */
  readonly networkPorts?: readonly NetworkPort[];
  /** The tenant that the path leads to. @default - none */
  readonly tenant?: Tenant;
  /** The pods that take what is written, which may be behind the owner. @default - not known */
  readonly storage?: Wired;
  /** What clients must send. @default - none */
  readonly credentials?: Credentials;
  /** The addresses behind the host, for the NetworkPolicy of clients. @default - any address on the port */
  readonly cidr?: string;
  /** Whether clients can store data through it. @default false */
  readonly writes?: boolean;
  /** Whether the owner lets nobody in without credentials. @default - whether there are `credentials` */
  readonly authenticated?: boolean;
  /** Whether the owner lets nobody store data without credentials. @default - `authenticated` */
  readonly writesAuthenticated?: boolean;
  /** Of samples of one series within this interval the storage behind it keeps one. @default - not known, or off */
  readonly dedupInterval?: Duration;
  /** How long a query through it takes at most. @default - not known, or none is answered */
  readonly maxQueryDuration?: Duration;
  /** The Service behind the host. @default - none */
  readonly service?: ServicePort;
  /** Gives a name that resolves to the addresses of all ready pods. @default - `host` */
  readonly podsHost?: () => string;
}

/** A port of a Kubernetes Service. */
export interface ServicePort {
  /** The name of the Service. */
  readonly name: string;
  /** Its namespace. @default - its chart names none */
  readonly namespace?: string;
  /** The name of the port. */
  readonly portName: string;
}

/** What to say about an endpoint outside of the stack. */
export interface ExternalEndpointProps {
  /** What clients must send. @default - none */
  readonly credentials?: Credentials;
  /**
   * The addresses behind the host, as a CIDR. A NetworkPolicy cannot name a host, so without this
   * clients may reach any address on the port of the URL.
   *
   * @default - the address itself where the URL has one, else any address
   */
  readonly cidr?: string;
}

/**
 * One place to connect to, declared once by its owner. Whoever takes it gets its URL, and with `connectFrom` the
 * NetworkPolicies on both sides.
 */
export class Endpoint {
  /**
   * An endpoint outside of the stack.
   *
   * @throws InvalidValueError when the URL is malformed, is neither http nor https, or carries a secret, or when
   *   `cidr` is no address block.
   */
  public static external(url: string, props: ExternalEndpointProps = {}): Endpoint {
    return new Endpoint(parseExternal(url, props));
  }

  /** Whether a value is an Endpoint, of this copy of the package or of another. */
  public static is(value: unknown): value is Endpoint {
    return typeof value === 'object' && value !== null && 'connectFrom' in value && 'address' in value;
  }

  /** Says what the endpoint is for, so that a consumer of one kind does not take another. */
  public readonly kind: string = 'http';

  public constructor(private readonly props: EndpointProps) {}

  /** Where to connect to. */
  public get url(): string {
    const { scheme, host, port, path = '' } = this.props;
    const standard = (scheme === 'http' && port === 80) || (scheme === 'https' && port === 443);
    return `${scheme}://${host}${standard ? '' : `:${port}`}${path}`;
  }

  public toString(): string {
    return this.url;
  }

  /** `host:port`, as protocols without a URL want it. */
  public get address(): string {
    return `${this.props.host}:${this.props.port}`;
  }

  /** The DNS name or address. */
  public get host(): string {
    return this.props.host;
  }

  /** The number of the port. */
  public get port(): number {
    return this.props.port;
  }

  /** What follows the port in the URL; empty for none. */
  public get path(): string {
    return this.props.path ?? '';
  }

  /** The tenant that the path leads to. */
  public get tenant(): Tenant | undefined {
    return this.props.tenant;
  }

  /** The pods that take what is written, where they are known: the owner, or others behind it. */
  public get storage(): Wired | undefined {
    return this.props.storage;
  }

  /** Whether clients can store data through it. */
  public get writes(): boolean {
    return this.props.writes ?? false;
  }

  /** Whether nobody gets in without credentials. */
  public get authenticated(): boolean {
    return this.props.authenticated ?? this.props.credentials !== undefined;
  }

  /** Whether nobody stores data without credentials, even if somebody may read. */
  public get writesAuthenticated(): boolean {
    return this.props.writesAuthenticated ?? this.authenticated;
  }

  /** Of samples of one series within this interval the storage behind the endpoint keeps one; not known outside of the stack. */
  public get dedupInterval(): Duration | undefined {
    return this.props.dedupInterval;
  }

  /** How long a query through the endpoint takes at most; not known outside of the stack. */
  public get maxQueryDuration(): Duration | undefined {
    return this.props.maxQueryDuration;
  }

  /** Whether the endpoint is a component of the stack. */
  public get isInternal(): boolean {
    return this.props.owner !== undefined;
  }

  /** The Service behind the endpoint. */
  public get service(): ServicePort | undefined {
    return this.props.service;
  }

  /**
   * The same place with a name that resolves to the address of each ready pod, for a client that spreads its requests
   * itself. A Service address spreads connections, of which such a client keeps few.
   */
  public eachPod(): Endpoint {
    const { podsHost } = this.props;
    return podsHost ? new Endpoint({ ...this.props, host: podsHost() }) : this;
  }

  /** What a client must send. */
  public get credentials(): Credentials | undefined {
    return this.props.credentials;
  }

  /** Lets the consumer's pods reach this endpoint, in the NetworkPolicies of both sides. */
  public connectFrom(consumer: Wired): void {
    const { owner, cidr, host } = this.props;
    if (owner) {
      consumer.connections.connectTo(owner.connections, ...this.networkPorts);
      return;
    }
    const block = cidr ?? singleAddress(host);
    consumer.connections.allowTo(block === undefined ? undefined : { ipBlock: { cidr: block } }, ...this.networkPorts);
    if (singleAddress(host) === undefined) consumer.connections.allowDns();
  }

  /**
   * Lets pods or addresses that are no component of the stack reach this endpoint.
   *
   * @param peer as in a Kubernetes NetworkPolicy, or anything of cdk8s-plus that is a NetworkPolicy peer
   * @throws Error when the endpoint is outside of the stack, where no NetworkPolicy of ours applies.
   */
  public allowFrom(peer: Peer): this {
    const { owner } = this.props;
    if (!owner) throw new Error(`allowFrom: ${this.url} is outside of the stack; its own network must let clients in`);
    for (const plain of plainPeers(peer)) owner.connections.allowFrom(plain, ...this.networkPorts);
    return this;
  }

  private get networkPorts(): readonly NetworkPort[] {
    return this.props.networkPorts ?? [{ port: this.props.port }];
  }
}

/** Takes Prometheus remote write; the URL is the full path to it. */
export class WriteEndpoint extends Endpoint {
  /**
   * A remote-write endpoint outside of the stack.
   *
   * @param url the full URL, usually ending in `/api/v1/write`
   * @throws InvalidValueError when the URL is malformed, is neither http nor https, or carries a secret, or when
   *   `cidr` is no address block.
   */
  public static override external(url: string, props: ExternalEndpointProps = {}): WriteEndpoint {
    return new WriteEndpoint(parseExternal(url, props));
  }

  public override readonly kind = 'remote-write' as const;
}

/** Answers the Prometheus query API; the URL is the part before `/api/v1/query`. */
export class ReadEndpoint extends Endpoint {
  /**
   * A query endpoint outside of the stack.
   *
   * @param url the part before `/api/v1/query`
   * @throws InvalidValueError when the URL is malformed, is neither http nor https, or carries a secret, or when
   *   `cidr` is no address block.
   */
  public static override external(url: string, props: ExternalEndpointProps = {}): ReadEndpoint {
    const parsed = parseExternal(url, props);
    if (parsed.path?.includes('?')) {
      throw new InvalidValueError({
        prop: 'url',
        value: url,
        rule: 'clients append /api/v1/query to it, which parameters would swallow',
        fix: 'remove what follows the ?',
      });
    }
    return new ReadEndpoint(parsed);
  }

  public override readonly kind = 'query' as const;
}

/** Takes alerts by the API of Alertmanager; the URL is the part before `/api/v2/alerts`. */
export class NotifyEndpoint extends Endpoint {
  /**
   * An Alertmanager outside of the stack.
   *
   * @param url the part before `/api/v2/alerts`
   * @throws InvalidValueError when the URL is malformed, is neither http nor https, or carries a secret, or when
   *   `cidr` is no address block.
   */
  public static override external(url: string, props: ExternalEndpointProps = {}): NotifyEndpoint {
    const parsed = parseExternal(url, props);
    return new NotifyEndpoint(parsed, [new Endpoint(parsed)]);
  }

  public override readonly kind = 'notify' as const;

  /** @param replicas each of the processes: all of them are told of an alert, and agree which of them sends it */
  public constructor(
    props: EndpointProps,
    public readonly replicas: readonly Endpoint[],
  ) {
    super(props);
  }
}

function parseExternal(text: string, props: ExternalEndpointProps): EndpointProps {
  const refuse = (rule: string, fix: string, value = text): never => {
    throw new InvalidValueError({ prop: 'url', value, rule, fix });
  };
  const url = URL.canParse(text) ? new URL(text) : refuse('is not a URL', "write for example 'https://host/path'");
  if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse('must be http or https', 'write https://...');
  if (url.username || url.password) {
    refuse(
      'must not carry credentials: they would stand in the manifest in the clear',
      'pass `credentials` with a SecretRef instead',
      `${url.protocol}//***@${url.host}${url.pathname}`,
    );
  }
  for (const name of url.searchParams.keys()) {
    if (namesSecret(name)) {
      refuse(
        `the parameter ${name} ${inTheClear('manifest')}`,
        'pass `credentials` with a SecretRef instead',
        `${url.protocol}//${url.host}${url.pathname}?${name}=***`,
      );
    }
  }
  if (props.cidr !== undefined) refuseBadCidr(props.cidr);
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return {
    scheme,
    host: url.hostname,
    port: url.port ? Number(url.port) : scheme === 'https' ? 443 : 80,
    path: url.pathname.replace(/\/+$/, '') + url.search,
    credentials: props.credentials,
    cidr: props.cidr,
  };
}

/** The block of just one address, where the host is an address. */
function singleAddress(host: string): string | undefined {
  const bare = host.replace(/^\[|\]$/g, '');
  const version = isIP(bare);
  return version === 0 ? undefined : `${bare}/${version === 4 ? 32 : 128}`;
}
