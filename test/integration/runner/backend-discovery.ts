import { isMap, isNode, isSeq, parseDocument, type Document, type YAMLMap } from 'yaml';
import type { ClusterState } from './discovered-targets';
import { isBehind } from './manifests';

const DISCOVER = 'discover_backend_ips';

/** The parts of a URL around its host. */
const URL_HOST = /^([a-z]+:\/\/(?:[^@/]*@)?)([^:/?#]+)(.*)$/s;

/**
 * The lookup of backends in a config file of vmauth, which a DNS server would answer: each URL of a headless Service as
 * one for each pod behind it, ready or not. All else stays.
 *
 * @param text in which hosts are addresses already
 */
export function discoverBackends(text: string, cluster: ClusterState): string {
  if (!text.includes(DISCOVER)) return text;
  // Else a number such as 0777 would be written in another way than it is rendered.
  const document = parseDocument(text, { schema: 'failsafe' });
  const { contents } = document;
  if (document.errors.length > 0 || !isMap(contents)) return text;
  const users = [...mapsOf(contents.get('users')), ...mapsOf(contents.get('unauthorized_user'))];
  if (users.length === 0) return text;
  for (const user of users) {
    const byUser = takeDiscovery(user) ?? false;
    if (byUser) replaceBackends(user, document, cluster);
    for (const route of mapsOf(user.get('url_map'))) {
      if (takeDiscovery(route) ?? byUser) replaceBackends(route, document, cluster);
    }
  }
  return document.toString({ lineWidth: 0 });
}

function mapsOf(node: unknown): YAMLMap[] {
  return (isSeq(node) ? node.items : [node]).filter((item) => isMap(item));
}

/** Reads the key and removes it. */
function takeDiscovery(owner: YAMLMap): boolean | undefined {
  const discovers = owner.get(DISCOVER);
  owner.delete(DISCOVER);
  return discovers === undefined ? undefined : discovers === 'true';
}

function replaceBackends(owner: YAMLMap, document: Document, cluster: ClusterState): void {
  const prefix = owner.get('url_prefix', true);
  if (!isNode(prefix)) return;
  const given = prefix.toJS(document) as string | readonly string[];
  const urls = [given].flat().flatMap((url) => backends(url, cluster));
  if (urls.length > 1 || urls[0] !== given) owner.set('url_prefix', document.createNode(urls));
}

function backends(url: string, { pods, services }: ClusterState): string[] {
  const [, start = '', host, end = ''] = URL_HOST.exec(url) ?? [];
  const service = services.find(({ address, manifest }) => address === host && manifest.headless);
  if (!service) return [url];
  return pods.filter((pod) => isBehind(service.manifest, pod)).map(({ address }) => `${start}${address}${end}`);
}
