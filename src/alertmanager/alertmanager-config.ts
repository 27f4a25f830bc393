import { Yaml } from 'cdk8s';
import type { SecretPath } from '../flags';
import { renderCredentials, type Plain } from '../scrape';
import type { Problem, Problems } from '../validation';
import { SecretRef } from '../values';
import { clientSecrets, Endpoint, type Wired } from '../wiring';
import type { Files } from '../workload';
import { ConfigProblems } from './config-problems';
import { configCheck, type AlertmanagerConfigProps, type CheckedConfig } from './config-props';
import { destinationsOf } from './destinations';
import { below, secondsOf } from './fields';
import { checkReferences } from './references';
import type { Route } from './route';
import { checkSeverityProps, configBySeverity, renameToSeverity, type SeverityProps } from './severity';
import { checkTemplates, TEMPLATE_FOLDER } from './templates';
import { readConfigFile } from './yaml-file';

/** How often Alertmanager repeats a notification unless told otherwise. */
const DEFAULT_REPEAT_SECONDS = 4 * 3600;

/**
 * What an Alertmanager does with alerts: routes, receivers, inhibition. Everything wrong in it is reported by the
 * Alertmanager that runs it.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/
 */
export class AlertmanagerConfig {
  /** A config as the documentation has it, with names in camelCase and a `SecretRef` for each secret. */
  public static of(props: AlertmanagerConfigProps): AlertmanagerConfig {
    return AlertmanagerConfig.make(props, 'config', new ConfigProblems('props'));
  }

  /**
   * A config file of Alertmanager. Each secret is a key of a Secret, where a field with `_file` at its end stands:
   * `api_url_file: secret://name-of-the-secret/key`. Files of templates are given to the Alertmanager itself.
   *
   * @param path from the folder that the app is run in
   * @throws InvalidValueError when there is no such file, it is no YAML, or it holds no config
   */
  public static fromFile(path: string): AlertmanagerConfig {
    return AlertmanagerConfig.make(readConfigFile(path), `${path}: `, new ConfigProblems('file'));
  }

  /**
   * The usual config: critical alerts at once to a receiver of their own and again every 5 minutes, warnings in groups
   * and again every hour, info daily. A critical alert silences warnings and info of the same name about the same thing,
   * which its labels tell, and a critical `ServiceDown` all warnings of its instance.
   */
  public static bySeverity(props: SeverityProps): AlertmanagerConfig {
    const given = (props as Partial<SeverityProps> | undefined) ?? {};
    const problems = new ConfigProblems('props', renameToSeverity(given));
    checkSeverityProps(given, 'config', problems);
    // Without its receivers the rest would only repeat that they are missing.
    if (problems.all.length > 0) return new AlertmanagerConfig({}, 'config', problems.all);
    return AlertmanagerConfig.make(configBySeverity(given), 'config', problems);
  }

  private static make(content: unknown, prop: string, problems: ConfigProblems): AlertmanagerConfig {
    const config = (configCheck(content, prop, problems) ?? {}) as CheckedConfig;
    checkReferences(config, prop, problems);
    return new AlertmanagerConfig(config, prop, problems.all);
  }

  private constructor(
    private readonly config: CheckedConfig,
    private readonly source: string,
    private readonly found: readonly Problem[],
  ) {}

  /** Reports what is wrong, also with the templates and the retention that the config is run with. */
  public check(templates: Files, retentionSeconds: number, problems: Problems): void {
    for (const problem of this.found) problems.add(problem);
    checkTemplates(this.config, below(this.source, ''), templates, problems);
    const longest = longestRepeat(this.config.route, DEFAULT_REPEAT_SECONDS);
    problems.when(this.config.route !== undefined && longest > retentionSeconds, {
      prop: 'retention',
      value: `${retentionSeconds / 3600}h`,
      rule: `a route repeats notifications after ${longest / 3600} hours, of which nothing would be known any more, so that they came more often`,
      fix: `make it longer than ${longest / 3600} hours`,
    });
  }

  /** The Secrets to mount as files, those of endpoints included. */
  public get secrets(): readonly SecretRef[] {
    return secretsIn(this.config);
  }

  /** Lets an Alertmanager reach all receivers. */
  public connectFrom(alertmanager: Wired): void {
    const { endpoints, anyHttps } = destinationsOf(this.config);
    for (const endpoint of endpoints) endpoint.connectFrom(alertmanager);
    if (!anyHttps) return;
    alertmanager.connections.allowTo(undefined, { port: 443 });
    alertmanager.connections.allowDns();
  }

  /** The text of `--config.file`. @param hasTemplates whether there are files in the folder of templates */
  public render(hasTemplates: boolean, secretPath: SecretPath): string {
    const templates = hasTemplates ? [`${TEMPLATE_FOLDER}/*.tmpl`] : undefined;
    return Yaml.stringify(plain({ ...this.config, templates }, secretPath));
  }
}

function longestRepeat({ repeat_interval: own, routes = [] }: Route = {}, inherited: number): number {
  const seconds = own === undefined ? inherited : (secondsOf(own) ?? inherited);
  return Math.max(seconds, ...routes.map((route) => longestRepeat(route, seconds)));
}

function secretsIn(value: unknown): SecretRef[] {
  if (SecretRef.is(value)) return [value];
  if (Endpoint.is(value)) return clientSecrets(value.credentials);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsIn) : [];
}

/** The config with paths for Secrets and URLs for endpoints. */
function plain(value: unknown, secretPath: SecretPath): Plain {
  if (SecretRef.is(value)) return secretPath(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, secretPath));
  if (typeof value !== 'object' || value === null) return value as Plain;
  const { url, http_config: client } = value as { readonly url?: unknown; readonly http_config?: object };
  const credentials = Endpoint.is(url) ? renderCredentials(url.credentials, secretPath) : {};
  const given =
    Object.keys(credentials).length > 0 ? { ...value, http_config: { ...credentials, ...client } } : { ...value };
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, item]) => item !== undefined)
      .map(([field, item]) => [field, Endpoint.is(item) ? item.url : plain(item, secretPath)]),
  );
}
