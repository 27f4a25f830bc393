import { scrapeConfigFile, type GlobalScrapeProps, type ScrapeJob } from '../scrape';
import { secretPath, type Files } from '../workload';

export const SCRAPE_FOLDER = '/etc/vmagent/scrape';

const SCRAPE_FILE = 'scrape.yaml';

/** Where vmagent finds its scrape jobs: it reads them again by itself. */
export const SCRAPE_PATH = `${SCRAPE_FOLDER}/${SCRAPE_FILE}`;

/** The scrape jobs of an agent: those that the user gives, and those of the stack, which come with its components. */
export class ScrapeJobs {
  private readonly ofStack: ScrapeJob[] = [];

  public constructor(
    public readonly given: readonly ScrapeJob[],
    private readonly global: GlobalScrapeProps,
  ) {}

  public add(jobs: readonly ScrapeJob[]): void {
    this.ofStack.push(...jobs);
  }

  /** In an order that does not depend on that in which components are made. */
  public all(): ScrapeJob[] {
    return [...this.given, ...[...this.ofStack].sort((a, b) => (a.name < b.name ? -1 : 1))];
  }

  public files(): Files {
    return { [SCRAPE_FILE]: scrapeConfigFile({ global: this.global, jobs: this.all(), secretPath }) };
  }
}
