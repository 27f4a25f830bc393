import { Chart, type Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { listOf, milliseconds, type Check, type Problems } from '../validation';
import type { SecretRef } from '../values';
import { leadToSameData, type NetworkPort, type Wired, type WriteEndpoint } from '../wiring';
import { visitWorkloads, type ApiAccess } from '../workload';
import { componentJobs } from './component-job';
import { jobPath } from './job-problems';
import type { ScrapeDestination, ScrapeJob, ScrapeSource } from './scrape-job';

/** Checks the prop `scrape` of an agent; what is wrong with the jobs themselves, `checkScrapeJobs` tells. */
export const scrapeSourcesCheck: Check = listOf((value, prop, problems) => {
  const jobs: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (jobs.every((job) => typeof job === 'object' && job !== null && 'render' in job)) return value;
  problems.add({ prop, value, rule: 'must be a scrape job', fix: 'write for example Scrape.annotatedPods()' });
  return undefined;
});

/** Pods that run scrape jobs. */
export interface Scraper extends Wired, IConstruct {
  allowApi(access: ApiAccess): void;
  allowToNodes(...ports: readonly NetworkPort[]): void;
}

/** An agent as others of its chart see it. */
interface KnownScraper {
  readonly path: string;
  readonly stack: boolean;
  /** What tells jobs apart that find the same targets. */
  readonly jobs: ReadonlySet<string>;
  /** Where it sends what it finds. */
  readonly writesTo: readonly WriteEndpoint[];
  readonly labels: string;
}

const SCRAPERS = new WeakMap<Chart, KnownScraper[]>();

/** What is known of an agent that runs jobs. */
export interface ScraperProps {
  /** The global interval. */
  readonly interval: Duration;
  /** Where it sends what it finds as it is: of what is relabeled on the way nobody knows whether another sends the same. */
  readonly writesTo: readonly WriteEndpoint[];
  /** Labels of all that it sends: agents whose labels differ do not write the same series. */
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly problems: Problems;
}

/** The scrape jobs of an agent: those that the user gives, and those of the stack, which come with its components. */
export class ScrapeJobs {
  /** Those that the user gives. */
  public readonly given: readonly ScrapeJob[];
  private readonly found: ScrapeJob[] = [];

  /** @param stack whether the components of the agent's chart are scraped, also those that are made later */
  public constructor(
    sources: readonly ScrapeSource[],
    public readonly stack: boolean,
  ) {
    this.given = sources.flat();
  }

  /** Whether there is nothing to scrape, and never will be. */
  public get none(): boolean {
    return this.given.length === 0 && !this.stack;
  }

  /** In an order that does not depend on that in which components are made. */
  public all(): ScrapeJob[] {
    return [...this.given, ...this.ofStack()];
  }

  /** Those that the components of the chart bring. */
  public ofStack(): ScrapeJob[] {
    return [...this.found].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The Secrets that the jobs send, to mount as files. */
  public secrets(): SecretRef[] {
    return this.all().flatMap(({ secrets = [] }) => secrets);
  }

  /** Gives the pods what the jobs need: the Kubernetes API, and a way to what is scraped. */
  public runBy(scraper: Scraper, props: ScraperProps): void {
    open(this.given, scraper);
    checkSecondScraper(scraper, this, props);
    if (!this.stack) return;
    visitWorkloads(Chart.of(scraper), ({ metrics }) => {
      const jobs = componentJobs(metrics);
      this.found.push(...jobs);
      open(jobs, scraper);
    });
  }
}

/** Two agents with equal labels write every sample of the same targets twice, where the storage does not deduplicate. */
function checkSecondScraper(scraper: Scraper, { stack, given }: ScrapeJobs, props: ScraperProps): void {
  const { interval, writesTo, externalLabels, problems } = props;
  const chart = Chart.of(scraper);
  const known = SCRAPERS.get(chart) ?? [];
  const jobs = new Map(given.map((job) => [targetsKey(job), job.name]));
  const labels = JSON.stringify(Object.entries(externalLabels).sort());
  const doubled = writesTo.filter(
    ({ isInternal, dedupInterval }) =>
      isInternal && (dedupInterval === undefined || milliseconds(dedupInterval) < milliseconds(interval)),
  );
  for (const endpoint of doubled) {
    const others = known.filter(
      (other) => other.labels === labels && other.writesTo.some((target) => leadToSameData(target, endpoint)),
    );
    const both = `and the storage at ${endpoint.url} would keep the samples of both`;
    const dedup = 'the scrape interval as `dedupInterval` on the storage';
    const ofStack = others.find((other) => stack && other.stack);
    problems.when(ofStack !== undefined, {
      prop: 'scrapeStack',
      value: true,
      rule: `${ofStack?.path} scrapes the stack as well, ${both}`,
      fix: `set \`scrapeStack: false\` on one of the two, or ${dedup}`,
    });
    for (const [key, name] of jobs) {
      const other = others.find((each) => each.jobs.has(key));
      problems.when(other !== undefined, {
        prop: jobPath(name),
        value: name,
        rule: `${other?.path} scrapes the same targets as well, ${both}`,
        fix: `remove the job from one of the two, or set ${dedup}`,
      });
    }
  }
  SCRAPERS.set(chart, [...known, { path: scraper.node.path, stack, jobs: new Set(jobs.keys()), writesTo, labels }]);
}

/** The same for jobs that find the same targets and give them the same labels. */
function targetsKey(job: ScrapeJob): string {
  const fields = Object.entries(job.render(String)).filter(([field]) =>
    /^job_name$|^metrics_path$|^params$|_configs$/.test(field),
  );
  return JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function open(jobs: readonly ScrapeJob[], scraper: Scraper): void {
  const accesses = jobs.flatMap(({ apiAccess = [] }) => apiAccess);
  // What is allowed in the whole cluster is not allowed in a namespace once more.
  for (const whole of [true, false]) {
    for (const access of accesses) if ((access.namespaces === undefined) === whole) scraper.allowApi(access);
  }
  for (const { targets = [], endpoints = [], destinations = [] } of jobs) {
    for (const target of [...targets, ...endpoints]) target.connectFrom(scraper);
    for (const destination of destinations) openTo(destination, scraper);
  }
}

function openTo(destination: ScrapeDestination, scraper: Scraper): void {
  const { kind, ports = [] } = destination;
  if (kind === 'nodes') {
    scraper.allowToNodes(...ports);
    return;
  }
  scraper.connections.allowTo(kind === 'peer' ? destination.peer : undefined, ...ports);
  if (kind !== 'peer' || !destination.byAddress) scraper.connections.allowDns();
}
