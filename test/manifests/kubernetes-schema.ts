import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { titleOf, type Manifest, type Policy } from './manifest';
import { MEBIBYTE, parseQuantity } from './quantity';

/** A field as the Kubernetes client describes it. */
interface Field {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
  readonly required: boolean;
}

const load = createRequire(__filename);
const CLIENT = join(dirname(load.resolve('@kubernetes/client-node')), 'gen');

/** Strings that are amounts. The client does not tell them from others. */
const QUANTITIES = new Set([
  'V1EmptyDirVolumeSource.sizeLimit',
  'V1LimitRangeItem.max',
  'V1LimitRangeItem.min',
  'V1PodSpec.overhead',
  'V1ResourceFieldSelector.divisor',
  'V1ResourceQuotaSpec.hard',
  'V1ResourceRequirements.limits',
  'V1ResourceRequirements.requests',
  'V1VolumeResourceRequirements.limits',
  'V1VolumeResourceRequirements.requests',
  'V2MetricTarget.averageValue',
  'V2MetricTarget.value',
]);

/** Strings of which the API server takes only some. The client does not list them. */
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  'V1Container.imagePullPolicy': ['Always', 'IfNotPresent', 'Never'],
  'V1Container.terminationMessagePolicy': ['File', 'FallbackToLogsOnError'],
  'V1ContainerPort.protocol': ['TCP', 'UDP', 'SCTP'],
  'V1DeploymentStrategy.type': ['Recreate', 'RollingUpdate'],
  'V1HTTPGetAction.scheme': ['HTTP', 'HTTPS'],
  'V1NetworkPolicyPort.protocol': ['TCP', 'UDP', 'SCTP'],
  'V1PersistentVolumeClaimSpec.accessModes': ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
  'V1PersistentVolumeClaimSpec.volumeMode': ['Block', 'Filesystem'],
  'V1PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy': ['AlwaysAllow', 'IfHealthyBudget'],
  'V1PodSecurityContext.fsGroupChangePolicy': ['Always', 'OnRootMismatch'],
  'V1PodSpec.dnsPolicy': ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
  'V1PodSpec.restartPolicy': ['Always', 'Never', 'OnFailure'],
  'V1ServicePort.protocol': ['TCP', 'UDP', 'SCTP'],
  'V1ServiceSpec.type': ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'],
  'V1StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted': ['Delete', 'Retain'],
  'V1StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled': ['Delete', 'Retain'],
  'V1StatefulSetSpec.podManagementPolicy': ['OrderedReady', 'Parallel'],
  'V1StatefulSetUpdateStrategy.type': ['OnDelete', 'RollingUpdate'],
  'V1Toleration.effect': ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
  'V1TopologySpreadConstraint.whenUnsatisfiable': ['DoNotSchedule', 'ScheduleAnyway'],
};

/** Lists whose items server-side apply tells apart by these fields: two alike are refused. */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  'V1Container.env': ['name'],
  'V1Container.ports': ['containerPort', 'protocol'],
  'V1Container.volumeMounts': ['mountPath'],
  'V1PodSpec.containers': ['name'],
  'V1PodSpec.initContainers': ['name'],
  'V1PodSpec.topologySpreadConstraints': ['topologyKey', 'whenUnsatisfiable'],
  'V1PodSpec.volumes': ['name'],
  'V1ServiceSpec.ports': ['port', 'protocol'],
};

/** Unknown and missing fields, and values that a Kubernetes API server of version 1.34 would refuse. */
export const kubernetesSchema: Policy = (objects) =>
  objects.flatMap((object) => {
    const type = modelOf(object);
    return type === undefined
      ? [`${titleOf(object)}: Kubernetes has no ${object.kind} in ${object.apiVersion}`]
      : checkModel(object, type, titleOf(object));
  });

/** Whether objects of this kind live in a namespace; `undefined` for an unknown kind. */
export function isNamespaced({ apiVersion, kind }: Manifest): boolean | undefined {
  const declarations = apiDeclarations(apiVersion);
  if (declarations.includes(` createNamespaced${kind}(`)) return true;
  return declarations.includes(` create${kind}(`) ? false : undefined;
}

function modelOf(object: Manifest): string | undefined {
  if (isNamespaced(object) === undefined) return undefined;
  return `${capitalized(object.apiVersion.split('/').at(-1) ?? '')}${object.kind}`;
}

const apis = new Map<string, string>();

/** The calls that the client has for an API group: `apps/v1` is AppsV1Api, `v1` is CoreV1Api. */
function apiDeclarations(apiVersion: string): string {
  const [version = '', group = 'core'] = apiVersion.split('/').reverse();
  const name = [...group.replace(/\.k8s\.io$/, '').split('.'), version].map(capitalized).join('');
  return cached(apis, name, () => readOptional(join(CLIENT, 'apis', `${name}Api.d.ts`)));
}

const models = new Map<string, readonly Field[]>();

/** The fields of a type. Each is loaded on its own: all of them together take seconds. */
function fieldsOf(type: string): readonly Field[] {
  return cached(models, type, () => {
    const path = join(CLIENT, 'models', type);
    const { [type]: model } = load(`${path}.js`) as Record<
      string,
      { getAttributeTypeMap(): (Field & { readonly name: string })[] }
    >;
    if (!model) throw new Error(`the Kubernetes client has no type ${type}`);
    const declarations = readFileSync(`${path}.d.ts`, 'utf8');
    return model.getAttributeTypeMap().map((field) => ({
      ...field,
      required: declarations.includes(`\n    '${field.name}': `),
    }));
  });
}

function checkModel(value: unknown, type: string, path: string): string[] {
  if (!isObject(value)) return [`${path}: must be an object (${type}), not ${JSON.stringify(value)}`];
  const fields = fieldsOf(type);
  const unknown = Object.keys(value).filter((key) => !fields.some(({ baseName }) => baseName === key));
  return [
    ...unknown.map((key) => `${path}.${key}: ${type} has no such field`),
    ...fields.flatMap(({ baseName, type: fieldType, format, required }) => {
      const field = value[baseName];
      if (field === undefined) return required ? [`${path}.${baseName}: ${type} requires it`] : [];
      const name = `${type}.${baseName}`;
      const problems = checkValue(field, fieldType, format, `${path}.${baseName}`);
      return problems.length > 0 ? problems : checkMeaning(field, name, `${path}.${baseName}`);
    }),
  ];
}

function checkValue(value: unknown, type: string, format: string, path: string): string[] {
  const item = /^Array<(.+)>$/.exec(type)?.[1];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path}: must be a list, not ${JSON.stringify(value)}`];
    return value.flatMap((element, index) => checkValue(element, item, format, `${path}[${index}]`));
  }
  const entry = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (entry !== undefined) {
    if (!isObject(value)) return [`${path}: must be a map, not ${JSON.stringify(value)}`];
    return Object.entries(value).flatMap(([key, element]) => checkValue(element, entry, format, `${path}['${key}']`));
  }
  const accepts = SCALARS[format] ?? SCALARS[type];
  if (!accepts) return checkModel(value, type, path);
  return accepts(value) ? [] : [`${path}: must be a ${format || type}, not ${JSON.stringify(value)}`];
}

const isDate = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isInt32 = (value: unknown): boolean => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;

/** By format, where there is one, or else by type: all that occurs outside of CustomResourceDefinitions. */
const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  boolean: (value) => typeof value === 'boolean',
  byte: (value) => typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  'date-time': isDate,
  'date-time-micro': isDate,
  int32: isInt32,
  int64: (value) => Number.isSafeInteger(value),
  'int-or-string': (value) => isInt32(value) || typeof value === 'string',
  string: (value) => typeof value === 'string',
};

function checkMeaning(value: unknown, name: string, path: string): string[] {
  const allowed = ENUMS[name];
  if (allowed) {
    const given = (Array.isArray(value) ? value : [value]) as string[];
    return given
      .filter((item) => !allowed.includes(item))
      .map((item) => `${path}: must be one of ${allowed.join(', ')}, not '${item}'`);
  }
  if (QUANTITIES.has(name)) {
    return typeof value === 'string'
      ? checkQuantity(value, name.endsWith('.sizeLimit'), path)
      : Object.entries(value as Record<string, string>).flatMap(([resource, amount]) =>
          checkQuantity(amount, /memory|storage/.test(resource), `${path}['${resource}']`),
        );
  }
  const keys = LIST_KEYS[name];
  return keys ? repeated(value as Record<string, unknown>[], keys, path) : [];
}

function checkQuantity(text: string, inBytes: boolean, path: string): string[] {
  const amount = parseQuantity(text);
  if (amount === undefined || amount < 0) return [`${path}: '${text}' is not an amount`];
  return inBytes && amount < MEBIBYTE ? [`${path}: '${text}' is ${amount} bytes: the unit is missing`] : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function repeated(items: readonly Record<string, unknown>[], keys: readonly string[], path: string): string[] {
  const seen = new Set<string>();
  return items.flatMap((item) => {
    const key = keys.map((name) => asText(item[name] ?? (name === 'protocol' ? 'TCP' : ''))).join(' ');
    if (seen.has(key)) return [`${path}: two items have the ${keys.join(' and ')} '${key}'`];
    seen.add(key);
    return [];
  });
}

function cached<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const value = cache.get(key) ?? make();
  cache.set(key, value);
  return value;
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
