import { Duration, Yaml } from 'cdk8s';
import type { SecretPath } from '../flags';
import { all, duration, milliseconds, object, type Check, type Problems, type Shape } from '../validation';
import { prometheusDuration } from '../values';
import { labelsCheck } from './labels';
import type { Plain, ScrapeJob, ScrapeProgram } from './scrape-job';
import { jobPath } from './job-problems';

/** What holds for all scrape jobs of an agent. */
export interface GlobalScrapeProps {
  /** How often. @default - every 30 s */
  readonly interval?: Duration;
  /** How long a scrape may take; not longer than the interval. @default - 10 s, and not more than the interval */
  readonly timeout?: Duration;
  /**
   * Labels of all that is sent, which tell where it comes from. What is pushed, or scraped with `honorLabels`, and has
   * such a label keeps its own.
   *
   * @default - none
   */
  readonly externalLabels?: Readonly<Record<string, string>>;
}

/** All that stands in the file. */
export interface ScrapeConfigFileProps {
  readonly global?: GlobalScrapeProps;
  readonly jobs: readonly ScrapeJob[];
  readonly secretPath: SecretPath;
}

/** How often targets are scraped where nobody says otherwise. */
export const DEFAULT_SCRAPE_INTERVAL = Duration.seconds(30);

const DEFAULT_TIMEOUT = Duration.seconds(10);

const GLOBAL_SHAPE: Shape<GlobalScrapeProps> = { interval: duration, timeout: duration, externalLabels: labelsCheck };

/** Checks `GlobalScrapeProps`. */
export const globalScrapeCheck: Check = all(object(GLOBAL_SHAPE), (value, prop, problems) => {
  const { interval, timeout } = value as GlobalScrapeProps;
  const most = interval ?? DEFAULT_SCRAPE_INTERVAL;
  if (timeout === undefined || milliseconds(timeout) <= milliseconds(most)) return value;
  problems.add({
    prop: `${prop}.timeout`,
    value: timeout,
    rule: `is longer than the interval, which is ${prometheusDuration(most)}${interval ? '' : ' where none is set'}`,
    fix: `set \`${prop}.interval\` to as much, or \`${prop}.timeout\` to ${prometheusDuration(most)} or less`,
  });
  return { ...(value as GlobalScrapeProps), timeout: undefined };
});

/** Checks all jobs of an agent, for the program that runs them. @param global as its own check left it */
export function checkScrapeJobs(
  { global, jobs }: Pick<ScrapeConfigFileProps, 'global' | 'jobs'>,
  program: ScrapeProgram,
  problems: Problems,
): void {
  const names = new Set<string>();
  const interval = milliseconds(global?.interval ?? DEFAULT_SCRAPE_INTERVAL) / 1000;
  for (const job of jobs) {
    problems.when(names.has(job.name), {
      prop: `${jobPath(job.name)}.name`,
      value: job.name,
      rule: 'another job of the agent has the same name',
      fix: 'give one of the two another `name`',
    });
    names.add(job.name);
    for (const problem of job.check?.(program) ?? []) problems.add(problem);
    const { timeoutSeconds, intervalSeconds = interval } = job;
    problems.when(timeoutSeconds !== undefined && timeoutSeconds > intervalSeconds, {
      prop: `${jobPath(job.name)}.timeout`,
      value: `${timeoutSeconds}s`,
      rule: `is longer than the interval, which is ${intervalSeconds}s${job.intervalSeconds === undefined ? ' for all jobs' : ''}`,
      fix: `set an \`interval\` of as much, or a \`timeout\` of ${intervalSeconds}s or less`,
    });
  }
}

/** `global` and `scrape_configs`, for a file that holds more than these. */
export function scrapeConfig({ global = {}, jobs, secretPath }: ScrapeConfigFileProps): {
  readonly global: Record<string, Plain>;
  readonly scrape_configs: Plain[];
} {
  const { interval = DEFAULT_SCRAPE_INTERVAL, externalLabels = {} } = global;
  const timeout = global.timeout ?? shorter(DEFAULT_TIMEOUT, interval);
  return {
    global: {
      scrape_interval: prometheusDuration(interval),
      scrape_timeout: prometheusDuration(timeout),
      ...(Object.keys(externalLabels).length > 0 ? { external_labels: { ...externalLabels } } : {}),
    },
    scrape_configs: jobs.map((job) => job.render(secretPath)),
  };
}

/**
 * The text of the file that vmagent takes with `-promscrape.config`, and Prometheus with `--config.file`.
 *
 * @param jobFiles where vmagent finds files with more jobs
 */
export function scrapeConfigFile(props: ScrapeConfigFileProps, jobFiles: readonly string[] = []): string {
  return Yaml.stringify({
    ...scrapeConfig(props),
    ...(jobFiles.length > 0 ? { scrape_config_files: jobFiles } : {}),
  });
}

function shorter(a: Duration, b: Duration): Duration {
  return milliseconds(a) <= milliseconds(b) ? a : b;
}
