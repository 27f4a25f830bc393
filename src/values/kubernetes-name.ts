import { rule, type Check } from '../validation';

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** RFC 1035 label: the name of a Service, which must not begin with a digit. At most 63 characters. */
export function isServiceName(name: string): boolean {
  return isDnsLabel(name) && /^[a-z]/.test(name);
}

/** RFC 1123 label: the name of a namespace, a container or a volume. At most 63 characters. */
export function isDnsLabel(name: string): boolean {
  return name.length <= 63 && DNS_LABEL.test(name);
}

/** RFC 1123 subdomain: the name of most other objects. At most 253 characters. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => DNS_LABEL.test(label));
}

/** Checks the name of a namespace. */
export const namespaceCheck: Check = rule(
  (value) => typeof value === 'string' && isDnsLabel(value),
  'must be the name of a namespace',
  'give lower-case letters, digits and -, at most 63',
);

/** Checks the name of an object that exists elsewhere. @param object e.g. `a Secret` */
export function objectNameCheck(
  object = 'an object',
  fix = 'give a name of lower-case letters, digits, - and .',
): Check {
  return rule((value) => typeof value === 'string' && isDnsSubdomain(value), `must be the name of ${object}`, fix);
}

/** The key of a Secret or ConfigMap, which becomes a file name: Kubernetes keeps `.` and names that begin with `..`. */
export function isDataKey(key: string): boolean {
  return /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/.test(key);
}

/** The value of a label: at most 63 characters. */
export function isLabelValue(value: string): boolean {
  return /^(?:[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)?$/.test(value);
}

/** The key of a label or annotation: an optional DNS prefix and a name of at most 63 characters. */
export function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  return (slash < 0 || isDnsSubdomain(key.slice(0, slash))) && name.length > 0 && isLabelValue(name);
}
