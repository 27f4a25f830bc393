import { until, type Pod, type Runner } from './runner';

type Labels = Readonly<Record<string, string>>;

interface Line {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** What a process says of itself on `/metrics`. */
export class MetricsPage {
  /**
   * Reads the page as it is now. VictoriaMetrics shows a page that is up to a second old, with the number of requests
   * as they were then: a page with another number than the first was made after that.
   */
  public static async of(pod: Pod): Promise<MetricsPage> {
    const url = pod.url(pod.portNames.includes('internal') ? 'internal' : 'http');
    const read = async () => {
      const response = await fetch(`${url}/metrics`);
      if (!response.ok) throw new Error(`${pod.name}: /metrics answered ${response.status}`);
      return new MetricsPage(await response.text());
    };
    const requests = (page: MetricsPage) => page.sum('vm_http_requests_all_total');
    const first = await read();
    return until(`a fresh /metrics of ${pod.name}`, async () => {
      const page = await read();
      return requests(page) > requests(first) && page;
    });
  }

  private readonly lines: readonly Line[];

  public constructor(text: string) {
    this.lines = text.split('\n').flatMap((line) => {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
      if (!match) return [];
      const labels = [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((label) => [label[1], label[2]]);
      return [{ name: match[1]!, labels: Object.fromEntries(labels) as Labels, value: Number(match[3]) }];
    });
  }

  /** The sum of all series of a name that have the labels; 0 without any. */
  public sum(name: string, labels: Labels = {}): number {
    return this.series(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** The flags that the process was given, by name. */
  public setFlags(): Labels {
    return Object.fromEntries(
      this.series('flag', { is_set: 'true' }).map(({ labels }) => [labels.name ?? '', labels.value ?? '']),
    );
  }

  private series(name: string, labels: Labels): readonly Line[] {
    return this.lines.filter(
      (line) => line.name === name && Object.entries(labels).every(([label, value]) => line.labels[label] === value),
    );
  }
}

/** Samples that any running process of the stack dropped although it said that it took them. */
export async function droppedSamples(stack: Runner): Promise<number> {
  const running = stack.pods().filter((pod) => pod.running && pod.labels['app.kubernetes.io/name']?.startsWith('vm'));
  const pages = await Promise.all(running.map((pod) => MetricsPage.of(pod)));
  return pages.reduce((sum, page) => sum + page.sum('vm_rows_ignored_total') + page.sum('vm_rows_invalid_total'), 0);
}

/** Samples that the storage of the stack took since its start, copies included. */
export async function storedSamples(stack: Runner): Promise<number> {
  const pages = await Promise.all(storagePods(stack).map((pod) => MetricsPage.of(pod)));
  return pages.reduce((sum, page) => sum + page.sum('vm_rows_added_to_storage_total'), 0);
}

/** The pods that keep data and run. */
export function storagePods(stack: Runner): readonly Pod[] {
  return stack.pods().filter(({ name, running }) => running && /-(vmstorage|vmsingle)-\d+$/.test(name));
}
