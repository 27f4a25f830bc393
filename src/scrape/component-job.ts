import { clientSecrets, type LabelExpression, type LabelSelector, type ScrapeTarget } from '../wiring';
import { renderCredentials } from './job-props';
import { READ, RUNNING } from './kubernetes-jobs';
import { SCRAPE_LABELS } from './labels';
import { renderRelabelConfigs, type RelabelConfig } from './relabeling';
import type { ScrapeJob } from './scrape-job';

const META = '__meta_kubernetes_';

/** Scrapes each pod of a component, see `SCRAPE_LABELS`. */
export function componentJob(target: ScrapeTarget): ScrapeJob {
  return jobOf(target, inNamespace(target, target.name));
}

/** Scrapes each pod of a component at all ports that serve metrics. */
export function componentJobs(targets: readonly ScrapeTarget[]): ScrapeJob[] {
  if (targets.length === 1) return targets.map(componentJob);
  return targets.map((target) => jobOf(target, inNamespace(target, `${target.name}-${target.portName}`)));
}

/** Components of the same name may be in several namespaces. */
function inNamespace({ namespace }: ScrapeTarget, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function jobOf(target: ScrapeTarget, name: string): ScrapeJob {
  const { namespace, credentials, path } = target;
  return {
    name,
    targets: [target],
    apiAccess: [{ rules: [READ.pods], namespaces: [namespace] }],
    secrets: clientSecrets(credentials),
    render: (secretPath) => ({
      job_name: name,
      ...(path === '/metrics' ? {} : { metrics_path: path }),
      ...(target.honorLabels ? { honor_labels: true } : {}),
      ...renderCredentials(credentials, secretPath),
      kubernetes_sd_configs: [
        {
          role: 'pod',
          namespaces: namespace === undefined ? { own_namespace: true } : { names: [namespace] },
          selectors: [{ role: 'pod', label: selectorText(target.podSelector) }],
        },
      ],
      relabel_configs: renderRelabelConfigs(relabeling(target)),
    }),
  };
}

function relabeling({ job, port, ofNode }: ScrapeTarget): RelabelConfig[] {
  return [
    ...RUNNING,
    {
      action: 'keep',
      sourceLabels: [`${META}pod_container_port_number`, `${META}pod_container_port_protocol`],
      regex: `${port};TCP`,
    },
    { targetLabel: SCRAPE_LABELS.job, replacement: job },
    { targetLabel: SCRAPE_LABELS.namespace, sourceLabels: [`${META}namespace`] },
    { targetLabel: SCRAPE_LABELS.pod, sourceLabels: [`${META}pod_name`] },
    { targetLabel: SCRAPE_LABELS.node, sourceLabels: [`${META}pod_node_name`] },
    ofNode
      ? { targetLabel: SCRAPE_LABELS.instance, sourceLabels: [`${META}pod_node_name`] }
      : { targetLabel: SCRAPE_LABELS.instance, sourceLabels: [`${META}pod_name`], replacement: `$1:${port}` },
    { targetLabel: SCRAPE_LABELS.appInstance, sourceLabels: [`${META}pod_label_app_kubernetes_io_instance`] },
  ];
}

/** A selector as the Kubernetes API takes it in a URL. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(expressionText),
  ].join(',');
}

function expressionText({ key, operator, values = [] }: LabelExpression): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}
