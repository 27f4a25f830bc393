import { Yaml } from 'cdk8s';
import type { SecretPath } from '../flags';
import {
  DEFAULT_SCRAPE_INTERVAL,
  renderCredentials,
  renderRelabelConfigs,
  scrapeConfig,
  type Plain,
  type ScrapeJob,
} from '../scrape';
import { prometheusDuration } from '../values';
import type { NotifyEndpoint } from '../wiring';
import { doubleDollars } from '../workload';
import type { CheckedPrometheusProps } from './props';
import { dropLabel, renderRemoteWrite } from './remote-write';

/** Where a rule file is. */
export const RULE_FOLDER = '/etc/prometheus/rules';

/** Prometheus puts variables of its environment into external labels, and nowhere else. */
const POD_NAME = '${POD_NAME}';

/** The text of `--config.file`. @param replicaLabel the external label that tells replicas apart, if there are any */
export function configFile(
  props: CheckedPrometheusProps,
  jobs: readonly ScrapeJob[],
  replicaLabel: string | undefined,
  secretPath: SecretPath,
): string {
  const { global = {}, remoteWrite = [], alertmanagers = [], ruleFiles = {} } = props;
  const { interval = DEFAULT_SCRAPE_INTERVAL, timeout } = global;
  const { global: scraping, scrape_configs } = scrapeConfig({ global: { interval, timeout }, jobs, secretPath });
  const labels = externalLabels(global.externalLabels, replicaLabel);
  const rules = Object.keys(ruleFiles).sort();
  return Yaml.stringify({
    global: {
      ...scraping,
      evaluation_interval: prometheusDuration(props.evaluationInterval ?? interval),
      ...(Object.keys(labels).length > 0 ? { external_labels: labels } : {}),
    },
    ...(rules.length > 0 ? { rule_files: rules.map((name) => `${RULE_FOLDER}/${name}`) } : {}),
    ...(alertmanagers.length > 0 ? { alerting: renderAlerting(alertmanagers, replicaLabel, secretPath) } : {}),
    ...(remoteWrite.length > 0
      ? { remote_write: remoteWrite.map((target) => renderRemoteWrite(target, replicaLabel, secretPath)) }
      : {}),
    scrape_configs,
  });
}

function externalLabels(
  given: Readonly<Record<string, string>> = {},
  replicaLabel: string | undefined,
): Readonly<Record<string, string>> {
  const literal = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, doubleDollars(value)]));
  return replicaLabel === undefined ? literal : { ...literal, [replicaLabel]: POD_NAME };
}

function renderAlerting(
  alertmanagers: readonly NotifyEndpoint[],
  replicaLabel: string | undefined,
  secretPath: SecretPath,
): Plain {
  return {
    // Alertmanager tells copies of an alert by their equal labels.
    ...(replicaLabel === undefined ? {} : { alert_relabel_configs: renderRelabelConfigs([dropLabel(replicaLabel)]) }),
    alertmanagers: alertmanagers.map((endpoint) => {
      const { path, credentials, replicas } = endpoint;
      return {
        ...(endpoint.url.startsWith('https:') ? { scheme: 'https' } : {}),
        ...(path === '' ? {} : { path_prefix: path }),
        ...renderCredentials(credentials, secretPath),
        // Alertmanagers of a cluster tell each other what they sent, not what they got: each must get every alert.
        static_configs: [{ targets: replicas.map(({ address }) => address) }],
      };
    }),
  };
}
