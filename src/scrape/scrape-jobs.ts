import { Chart, type Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { listOf, type Check } from '../validation';
import type { SecretRef } from '../values';
import { milliseconds, type Problems } from '../validation';
import type { NetworkPort, Wired, WriteEndpoint } from '../wiring';
import { visitWorkloads, type ApiAccess } from '../workload';
import { componentJobs } from './component-job';
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

/** Where an agent that scrapes the stack of a chart sends what it finds. */
interface StackScraper {
  readonly path: string;
  readonly urls: readonly string[];
}

const STACK_SCRAPERS = new WeakMap<Chart, StackScraper[]>();

/** What is known of an agent that runs jobs. */
export interface ScraperProps {
  /** The global interval. */
  readonly interval: Duration;
  readonly writesTo: readonly WriteEndpoint[];
  readonly problems: Problems;
}

/** The scrape jobs of an agent: those that the user gives, and those of the stack, which come with its components. */
export class ScrapeJobs {
  private readonly given: readonly ScrapeJob[];
  private readonly ofStack: ScrapeJob[] = [];

  /** @param stack whether the components of the agent's chart are scraped, also those that are made later */
  public constructor(
    sources: readonly ScrapeSource[],
    private readonly stack: boolean,
  ) {
    this.given = sources.flat();
  }

  /** Whether there is nothing to scrape, and never will be. */
  public get none(): boolean {
    return this.given.length === 0 && !this.stack;
  }

  /** In an order that does not depend on that in which components are made. */
  public all(): ScrapeJob[] {
    return [...this.given, ...[...this.ofStack].sort((a, b) => (a.name < b.name ? -1 : 1))];
  }

  /** The Secrets that the jobs send, to mount as files. */
  public secrets(): SecretRef[] {
    return this.all().flatMap(({ secrets = [] }) => secrets);
  }

  /** Gives the pods what the jobs need: the Kubernetes API, and a way to what is scraped. */
  public runBy(scraper: Scraper, props: ScraperProps): void {
    open(this.given, scraper);
    if (!this.stack) return;
    checkSecondScraper(scraper, props);
    visitWorkloads(Chart.of(scraper), ({ metrics }) => {
      const jobs = componentJobs(metrics);
      this.ofStack.push(...jobs);
      open(jobs, scraper);
    });
  }
}

/** Two agents with equal labels write every sample of the stack twice, where the storage does not deduplicate. */
function checkSecondScraper(scraper: Scraper, { interval, writesTo, problems }: ScraperProps): void {
  const chart = Chart.of(scraper);
  const others = STACK_SCRAPERS.get(chart) ?? [];
  const doubled = writesTo.filter(
    ({ isInternal, dedupInterval }) =>
      isInternal && (dedupInterval === undefined || milliseconds(dedupInterval) < milliseconds(interval)),
  );
  for (const { url } of doubled) {
    const other = others.find(({ urls }) => urls.includes(url));
    problems.when(other !== undefined, {
      prop: 'scrapeStack',
      value: true,
      rule: `${other?.path} scrapes the stack as well, and the storage at ${url} would keep the samples of both`,
      fix: 'set `scrapeStack: false` on one of the two, or the scrape interval as `dedupInterval` on the storage',
    });
  }
  STACK_SCRAPERS.set(chart, [...others, { path: scraper.node.path, urls: writesTo.map(({ url }) => url) }]);
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
