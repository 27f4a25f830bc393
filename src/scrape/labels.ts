import { all, anyText, inTheClear, mapOf, namesSecret, text, type Check } from '../validation';

/**
 * The labels that scrape jobs of this library give to what they scrape. Rules and dashboards count on them.
 */
export const SCRAPE_LABELS = {
  /** What runs there: of components the program, e.g. `vmstorage`; of other jobs their name. */
  job: 'job',
  /** Of components `<pod>:<port>`, which a restart of a StatefulSet's pod does not change; of nodes their name. */
  instance: 'instance',
  /** The namespace of the pod. */
  namespace: 'namespace',
  /** The name of the pod. */
  pod: 'pod',
  /** The name of the container, where the job knows it. */
  container: 'container',
  /** The name of the Service, of jobs that find their targets by it. */
  service: 'service',
  /** The name of the node. */
  node: 'node',
  /** Of components, which of several stacks: the label `app.kubernetes.io/instance` of the pod. */
  appInstance: 'app_instance',
} as const;

/** Checks the name of a label. */
export const labelNameCheck: Check = text(/^[a-zA-Z_]\w*$/, 'a label name: letters, digits and _, no digit first');

/** Checks labels with their values. */
export const labelsCheck: Check = all(mapOf(anyText), (value, prop, problems) => {
  const names = Object.keys(value as object);
  const right = names.filter((name) => labelNameCheck(name, `${prop}['${name}']`, problems) !== undefined);
  return right.length === names.length ? value : undefined;
});

const PARAMETER = '__param_';

/** Whether a path has a parameter in it whose name says that its value is secret. */
export function hasSecretParameter(path: string): boolean {
  const [, query = ''] = path.split(/\?(.*)/s);
  return [...new URLSearchParams(query)].some(([name, value]) => value !== '' && namesSecret(name));
}

/** Whether a label of a target is a secret that is sent with each scrape. */
export function sendsSecret(label: string, value: string): boolean {
  if (label.startsWith(PARAMETER)) return value !== '' && namesSecret(label.slice(PARAMETER.length));
  return label === '__metrics_path__' && hasSecretParameter(value);
}

/** Checks labels of targets, of which some decide what is sent. */
export const targetLabelsCheck: Check = all(labelsCheck, (value, prop, problems) => {
  for (const [label, text] of Object.entries(value as Readonly<Record<string, string>>)) {
    problems.when(sendsSecret(label, text), {
      prop: `${prop}['${label}']`,
      value: '***',
      rule: inTheClear('ConfigMap'),
      fix: 'remove it: send secrets by the credentials of the job, which are read from files',
    });
  }
  return value;
});
