import { Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { listOf, type Check } from '../validation';
import type { SecretRef } from '../values';
import type { NetworkPort, Wired } from '../wiring';
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
  public runBy(scraper: Scraper): void {
    open(this.given, scraper);
    if (!this.stack) return;
    visitWorkloads(Chart.of(scraper), ({ metrics }) => {
      const jobs = componentJobs(metrics);
      this.ofStack.push(...jobs);
      open(jobs, scraper);
    });
  }
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
