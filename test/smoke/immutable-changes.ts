import { isDeepStrictEqual } from 'node:util';
import { titleOf, type Manifest } from '../manifests/manifest';
import { parseQuantity } from '../manifests/quantity';

type Fields = Readonly<Record<string, unknown>>;

/**
 * What every API server lets change in the spec of a StatefulSet; all else it refuses, `revisionHistoryLimit` at least
 * up to Kubernetes 1.31.
 */
const MUTABLE_IN_STATEFUL_SET = [
  'minReadySeconds',
  'ordinals',
  'persistentVolumeClaimRetentionPolicy',
  'replicas',
  'template',
  'updateStrategy',
];

/** What a StatefulSet has when its manifest does not say. */
const STATEFUL_SET_DEFAULTS: Fields = { podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10 };

const CLAIM_DEFAULTS: Fields = { volumeMode: 'Filesystem' };

/** Finds what cannot change between two manifests of one object. */
type Comparison = (before: Manifest, after: Manifest) => string[];

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  ClusterRoleBinding: fixed('roleRef'),
  ConfigMap: frozen,
  DaemonSet: fixed('spec.selector'),
  Deployment: fixed('spec.selector'),
  PersistentVolumeClaim: claimChanges,
  RoleBinding: fixed('roleRef'),
  Secret: frozen,
  Service: serviceChanges,
  StatefulSet: statefulSetChanges,
};

/**
 * What an API server would refuse when it has the objects of `before` and gets those of `after`: one sentence for each
 * field that cannot change. Objects that only one of them has are no change.
 */
export function immutableChanges(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const earlier = new Map(before.map((object) => [identity(object), object]));
  return after.flatMap((object) => {
    const old = earlier.get(identity(object));
    const changes = old && COMPARISONS[object.kind]?.(old, object);
    return (changes ?? []).map((change) => `${titleOf(object)}: ${change}`);
  });
}

/** Without the version of the API: an object stays what it is when its group gets a new version. */
function identity({ apiVersion, kind, metadata: { namespace = '', name } }: Manifest): string {
  const group = apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : '';
  return [group, kind, namespace, name].join('|');
}

function fixed(path: string): Comparison {
  return (before, after) => difference(path, at(before, path), at(after, path));
}

function statefulSetChanges(before: Manifest, after: Manifest): string[] {
  const fields = ({ spec }: Manifest): Fields => {
    const { volumeClaimTemplates, ...rest } = spec as Fields;
    return { ...STATEFUL_SET_DEFAULTS, ...rest, volumeClaimTemplates: claimTemplates(volumeClaimTemplates) };
  };
  return differences(fields(before), fields(after), MUTABLE_IN_STATEFUL_SET);
}

/** By name, and as the API server has them: 1024Mi is 1Gi. */
function claimTemplates(templates: unknown): Fields {
  const list = (templates ?? []) as Manifest[];
  return Object.fromEntries(
    list.map(({ metadata: { name, ...metadata }, spec }) => [
      name,
      { metadata, spec: withAmounts({ ...CLAIM_DEFAULTS, ...(spec as Fields) }) },
    ]),
  );
}

function withAmounts(spec: Fields): Fields {
  const { requests = {} } = (spec.resources ?? {}) as { requests?: Record<string, string> };
  const amounts = Object.entries(requests).map(([name, text]) => [name, parseQuantity(text)]);
  return { ...spec, resources: { requests: Object.fromEntries(amounts) as Fields } };
}

function claimChanges(before: Manifest, after: Manifest): string[] {
  const fields = ({ spec }: Manifest): Fields => ({ ...CLAIM_DEFAULTS, ...(spec as Fields) });
  const size = ({ spec }: Manifest): number =>
    parseQuantity((spec as { resources: { requests: { storage: string } } }).resources.requests.storage) ?? NaN;
  const [was, is] = [size(before), size(after)];
  return [
    ...differences(fields(before), fields(after), ['resources', 'volumeAttributesClassName']),
    ...(is < was ? difference('spec.resources.requests.storage', was, is) : []),
  ];
}

/** An address is given once; whether there is one at all is decided once as well. */
function serviceChanges({ spec: before }: Manifest, { spec: after }: Manifest): string[] {
  const [old, current] = [before as Fields, after as Fields];
  if (old.type === 'ExternalName' || current.type === 'ExternalName') return [];
  return ['clusterIP', 'ipFamilies'].flatMap((name) => difference(`spec.${name}`, old[name], current[name]));
}

function frozen(before: Manifest, after: Manifest): string[] {
  if (before.immutable !== true) return [];
  return ['data', 'binaryData', 'immutable'].flatMap((name) => difference(name, before[name], after[name]));
}

/** Of the fields of two specs but the mutable ones. */
function differences(before: Fields, after: Fields, mutable: readonly string[]): string[] {
  const names = Object.keys({ ...before, ...after }).filter((name) => !mutable.includes(name));
  return names.sort().flatMap((name) => difference(`spec.${name}`, before[name], after[name]));
}

function difference(path: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  return [`${path} cannot change from ${asText(before)} to ${asText(after)}`];
}

function asText(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function at(object: unknown, path: string): unknown {
  return path.split('.').reduce((value, key) => (value as Fields | undefined)?.[key], object);
}
