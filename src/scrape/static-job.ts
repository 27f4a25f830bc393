import { isIP } from 'node:net';
import { filledListOf, isObject, listOf, text, type Check, type Shape } from '../validation';
import { Endpoint, peerCheck, type Credentials, type NetworkPolicyPeer, type NetworkPort } from '../wiring';
import { checkTlsIsUsed, SCRAPE_JOB_SHAPE, type ScrapeJobProps } from './job-props';
import type { Plain, ScrapeDestination, ScrapeJob } from './scrape-job';
import type { JobProblems } from './job-problems';
import { checkJobProps, typedJob } from './typed-job';

/** Targets that are known beforehand. */
export interface StaticProps extends ScrapeJobProps {
  /** `job_name`, and the label `job`. */
  readonly name: string;
  /**
   * `host:port`, or endpoints, of which the host and the port are taken. Endpoints of the stack let the agent in, and
   * bring the credentials that they ask for.
   */
  readonly targets: readonly (string | Endpoint)[];
  /** Where the targets are, for the NetworkPolicy of the agent. @default - any address, on the ports of the targets */
  readonly peers?: readonly NetworkPolicyPeer[];
}

const ADDRESS =
  /^(?:\[([\da-fA-F:.]+)\]|((?:[a-zA-Z0-9_](?:[-a-zA-Z0-9_]*[a-zA-Z0-9_])?)(?:\.[a-zA-Z0-9_](?:[-a-zA-Z0-9_]*[a-zA-Z0-9_])?)*\.?)):(\d{1,5})$/;

const targetCheck: Check = (value, prop, problems) => {
  if (Endpoint.is(value)) {
    if (/^https?:/.test(value.url)) return value;
    problems.add({
      prop,
      value: value.url,
      rule: 'is no endpoint of HTTP, by which metrics are scraped',
      fix: 'take another endpoint of the component, or scrape its pods with Scrape.component',
    });
    return undefined;
  }
  if (typeof value === 'string' && parseAddress(value)) return value;
  problems.add({
    prop,
    value,
    rule: 'must be host:port, without scheme and path, or an Endpoint',
    fix: "write for example 'node-1.example.com:9100'; scheme and path are the props `scheme` and `metricsPath`",
  });
  return undefined;
};

const SHAPE: Shape<StaticProps> = {
  ...SCRAPE_JOB_SHAPE,
  name: text(),
  targets: listOf(targetCheck),
  peers: filledListOf(peerCheck),
};

/** Targets that are known beforehand. */
export function staticJob(given: StaticProps): ScrapeJob {
  const { name, props, prefix, problems } = checkJobProps(given, SHAPE);
  const { targets = [], labels } = props;
  if (isObject(given)) checkNamed(given, prefix, problems);
  const endpoints = targets.filter((target): target is Endpoint => Endpoint.is(target));
  const addresses = targets.map((target) => (Endpoint.is(target) ? target.address : target));
  const seen = new Set<string>();
  for (const [index, address] of addresses.entries()) {
    problems.when(seen.has(address), {
      prop: `${prefix}targets[${index}]`,
      value: address,
      rule: 'the target is listed twice',
      fix: 'remove one of the two',
    });
    seen.add(address);
  }
  const credentials = credentialsOf(props, targets, prefix, problems);
  const scheme = schemeOf(props, endpoints, prefix, problems);
  const settled = { ...props, ...(credentials ? { credentials } : {}), ...(scheme === 'https' ? { scheme } : {}) };
  checkTlsIsUsed(settled, prefix, problems);
  return typedJob({
    name,
    // Labels of the targets stand beside them.
    props: { ...settled, labels: undefined },
    problems,
    endpoints,
    destinations: destinationsOf(
      targets.filter((target): target is string => !Endpoint.is(target)),
      props.peers,
    ),
    fields: () => ({ static_configs: [staticConfig(addresses, labels)] }),
  });
}

function checkNamed({ name, targets }: Partial<StaticProps>, prefix: string, problems: JobProblems): void {
  problems.when(name === undefined, {
    prop: `${prefix}name`,
    value: undefined,
    rule: 'the job needs a name, which becomes the label `job`',
    fix: `set \`name\``,
  });
  problems.when(!targets?.length, {
    prop: `${prefix}targets`,
    value: targets,
    rule: 'there is nothing to scrape',
    fix: "write for example `targets: ['node-1.example.com:9100']`",
  });
}

/** Where `host:port` is, for a NetworkPolicy; nothing where it is none. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, v6, host = v6, port] = ADDRESS.exec(address) ?? [];
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6)) return undefined;
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined;
}

/** The flows to addresses: to those that are numbers just there, to names anywhere, where no peer is said. */
export function destinationsOf(
  addresses: readonly string[],
  peers: readonly NetworkPolicyPeer[] | undefined,
): ScrapeDestination[] {
  const parsed = addresses.map(parseAddress).filter((address) => address !== undefined);
  if (peers) {
    const ports = portsOf(parsed);
    const byAddress = parsed.every(({ host }) => isIP(host) !== 0);
    return ports.length === 0
      ? []
      : peers.map((peer) => ({ kind: 'peer', peer, ports, ...(byAddress ? { byAddress } : {}) }));
  }
  const hosts = [...new Set(parsed.filter(({ host }) => isIP(host) !== 0).map(({ host }) => host))].sort();
  const named = portsOf(parsed.filter(({ host }) => isIP(host) === 0));
  return [
    ...(named.length > 0 ? [{ kind: 'anywhere', ports: named } as const] : []),
    ...hosts.map((host) => ({
      kind: 'peer' as const,
      peer: { ipBlock: { cidr: `${host}/${isIP(host) === 4 ? 32 : 128}` } },
      ports: portsOf(parsed.filter((address) => address.host === host)),
      byAddress: true,
    })),
  ];
}

function portsOf(addresses: readonly { readonly port: number }[]): NetworkPort[] {
  return [...new Set(addresses.map(({ port }) => port))].sort((a, b) => a - b).map((port) => ({ port }));
}

function staticConfig(targets: readonly string[], labels: StaticProps['labels']): Plain {
  return { targets: [...targets], ...(labels && Object.keys(labels).length > 0 ? { labels: { ...labels } } : {}) };
}

/** What is sent: what the user says, else what all targets ask for, which addresses do not. */
function credentialsOf(
  { credentials: own }: ScrapeJobProps,
  targets: StaticProps['targets'],
  prefix: string,
  problems: JobProblems,
): Credentials | undefined {
  if (own) return own;
  const asked = new Map(
    targets.map((target) => {
      const credentials = Endpoint.is(target) ? target.credentials : undefined;
      return [JSON.stringify(credentials), credentials];
    }),
  );
  problems.when(asked.size > 1, {
    prop: `${prefix}targets`,
    value: targets.map((target) => (Endpoint.is(target) ? target.address : target)),
    rule: 'the targets ask for different credentials, and a job sends the same to all',
    fix: 'make a job for each of them, or set `credentials`',
  });
  return [...asked.values()][0];
}

function schemeOf(
  { scheme }: ScrapeJobProps,
  endpoints: readonly Endpoint[],
  prefix: string,
  problems: JobProblems,
): 'http' | 'https' | undefined {
  const schemes = new Set([
    ...endpoints.map(({ url }) => (url.startsWith('https:') ? 'https' : 'http')),
    ...(scheme ? [scheme] : []),
  ]);
  problems.when(schemes.size > 1, {
    prop: scheme ? `${prefix}scheme` : `${prefix}targets`,
    value: scheme ?? endpoints.map(({ url }) => url),
    rule: 'some of the targets are http and some https, and a job scrapes all by the same',
    fix: 'make a job for each of them',
  });
  return [...schemes][0];
}
