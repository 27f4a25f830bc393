import { isNamespaced } from './kubernetes-schema';
import { findObject, titleOf, workloads, type Policy } from './manifest';

const SELECTOR_KEYS = ['app.kubernetes.io/component', 'app.kubernetes.io/instance', 'app.kubernetes.io/name'];

/** A pod's name adds `-` and a hash or an ordinal; the label with the revision of a StatefulSet adds 11 characters. */
const NAME_LIMITS: Readonly<Record<string, number>> = { StatefulSet: 52 };

/** What cdk8s and others append to make a name unique: it would change with the place of a construct in the code. */
const HASH_SUFFIX = /-(?=[a-f]*\d)[0-9a-f]{6,}$/;

/** A selector never changes, so it holds what never changes: name, instance and component. */
export const stableSelectors: Policy = (objects) =>
  workloads(objects).flatMap(({ title, manifest, podLabels }) => {
    const { matchLabels = {}, matchExpressions = [] } = manifest.spec.selector;
    const keys = Object.keys(matchLabels).sort();
    return [
      ...(keys.join() === SELECTOR_KEYS.join() && matchExpressions.length === 0
        ? []
        : [`${title}: selects by ${keys.join(', ')}, not by exactly ${SELECTOR_KEYS.join(', ')}`]),
      ...keys
        .filter((key) => podLabels[key] !== matchLabels[key])
        .map((key) => `${title}: its pods do not have the label ${key}=${matchLabels[key]} that it selects by`),
    ];
  });

/** Each workload of a namespace has pods of its own. */
export const separateSelectors: Policy = (objects) =>
  workloads(objects).flatMap((workload, index, all) =>
    all
      .slice(index + 1)
      .filter(
        (other) =>
          other.namespace === workload.namespace &&
          SELECTOR_KEYS.every((key) => other.podLabels[key] === workload.podLabels[key]),
      )
      .map((other) => `${workload.title}: selects the same pods as ${other.title}`),
  );

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** A namespace before the name keeps those of two namespaces apart. */
const ROLE_NAME = /^([-a-z0-9]+:)?[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Names are short, readable and the same at every synthesis. */
export const readableNames: Policy = (objects) =>
  objects.flatMap((object) => {
    const { name } = object.metadata;
    const limit = NAME_LIMITS[object.kind] ?? 63;
    return [
      ...((/Role(Binding)?$/.test(object.kind) ? ROLE_NAME : DNS_LABEL).test(name)
        ? []
        : [`${titleOf(object)}: the name is no DNS label`]),
      ...(name.length <= limit
        ? []
        : [`${titleOf(object)}: the name has ${name.length} characters, not ${limit} at most`]),
      ...(HASH_SUFFIX.test(name) ? [`${titleOf(object)}: the name ends with a hash`] : []),
    ];
  });

/** No object overwrites another. */
export const uniqueNames: Policy = (objects) => {
  const titles = objects.map(
    (object) => `${titleOf(object)} of ${object.apiVersion.replace(/\/?v\d\w*$/, '') || 'core'}`,
  );
  return titles.filter((title, index) => titles.indexOf(title) !== index).map((title) => `${title}: is there twice`);
};

/** Namespaces that every cluster has. */
const BUILT_IN = ['default', 'kube-system'];

/** What lives in a namespace says which, and the environment makes it. */
export const existingNamespaces: Policy = (objects) =>
  objects.flatMap((object) => {
    const { namespace } = object.metadata;
    if (!isNamespaced(object)) {
      return namespace === undefined ? [] : [`${titleOf(object)}: a ${object.kind} lives in no namespace`];
    }
    if (namespace === undefined) return [`${titleOf(object)}: has no namespace`];
    return BUILT_IN.includes(namespace) || findObject(objects, 'Namespace', undefined, namespace)
      ? []
      : [`${titleOf(object)}: nothing makes its namespace`];
  });
