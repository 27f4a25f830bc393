import { VictoriaMetricsClient } from '../../src/client';
import type { Manifest } from '../manifests/manifest';
import { serviceOf, type Kubectl } from './kubectl';

/** What is given from outside, so that tests need not wait. */
export interface Time {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  pause(milliseconds: number): Promise<void>;
}

/** A claim of a pod. The uid tells a claim from another that took its name. */
interface Claim {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: { readonly volumeName?: string };
}

/** `namespace/name` to the claim and its volume. */
export type Claims = ReadonlyMap<string, string>;

export async function claimsIn(kubectl: Kubectl, namespaces: readonly string[]): Promise<Claims> {
  const claims = new Map<string, string>();
  for (const namespace of namespaces) {
    for (const { metadata, spec } of await kubectl.list<Claim>(
      'get',
      'persistentvolumeclaims',
      `--namespace=${namespace}`,
    )) {
      claims.set(`${metadata.namespace}/${metadata.name}`, `${metadata.uid} on volume ${spec.volumeName ?? 'none'}`);
    }
  }
  return claims;
}

/** Every claim is still there, the same, and on the same volume. New ones may be added. */
export function replacedClaims(before: Claims, after: Claims): string[] {
  return [...before].flatMap(([name, claim]) => {
    const now = after.get(name);
    if (now === claim) return [];
    return [`claim ${name} was ${claim} and is ${now ?? 'gone'}`];
  });
}

const METRIC = 'smoke_upgrade';
const SERIES = 100;
const SAMPLES = 30;
const INTERVAL = 10_000;
/** For the newest sample to be older than what queries leave out. */
const MARGIN = 60_000;
const TIMEOUT = 120_000;
const PAUSE = 2_000;

/** Samples that must outlive an upgrade: each series of its own value, so that none can stand in for another. */
export class UpgradeSamples {
  private readonly end: number;

  /** @param run tells these samples from those of another run */
  public constructor(
    private readonly kubectl: Pick<Kubectl, 'forward'>,
    private readonly run: string,
    private readonly time: Time,
  ) {
    this.end = Math.floor((time.now() - MARGIN) / INTERVAL) * INTERVAL;
  }

  public async write(objects: readonly Manifest[]): Promise<void> {
    const lines = Array.from({ length: SERIES }, (_, series) =>
      this.samplesOf(series).map(
        ([timestamp, value]) => `${METRIC}{smoke_run="${this.run}",series="${series}"} ${value} ${timestamp}\n`,
      ),
    );
    await this.withClient(objects, (client) => client.importText(lines.flat().join('')));
  }

  /**
   * Resolves when every sample is there, exactly once and as it was written.
   *
   * @throws Error that says how many are missing, of which series
   */
  public async require(objects: readonly Manifest[]): Promise<void> {
    const deadline = this.time.now() + TIMEOUT;
    for (;;) {
      const problem = await this.withClient(objects, (client) => this.findProblem(client)).catch(
        // A pod that a rollout is just about to end may still take the connection.
        (error: unknown) => `samples cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
      if (problem === undefined) return;
      if (this.time.now() >= deadline) throw new Error(problem);
      await this.time.pause(PAUSE);
    }
  }

  private async findProblem(client: VictoriaMetricsClient): Promise<string | undefined> {
    const window = SAMPLES * INTERVAL + MARGIN;
    const answer = await client.query(`${METRIC}{smoke_run="${this.run}"}[${window / 1000}s]`, {
      time: this.end + 1,
      nocache: true,
      denyPartialResponse: true,
    });
    const found = new Map(
      answer.resultType === 'matrix'
        ? answer.result.map(({ labels, samples }) => [
            Number(labels.series),
            JSON.stringify(samples.map(({ timestamp, value }) => [timestamp, value])),
          ])
        : [],
    );
    const wrong = Array.from({ length: SERIES }, (_, series) => series).filter(
      (series) => found.get(series) !== JSON.stringify(this.samplesOf(series)),
    );
    if (wrong.length === 0) return undefined;
    const [first = 0] = wrong;
    return (
      `${wrong.length} of ${SERIES} series are not as they were written, the first is ${METRIC}{series="${first}"}: ` +
      `[milliseconds, value] must be ${JSON.stringify(this.samplesOf(first))}, and is ${found.get(first) ?? 'missing'}`
    );
  }

  private samplesOf(series: number): [timestamp: number, value: number][] {
    return Array.from({ length: SAMPLES }, (_, index) => [
      this.end - (SAMPLES - 1 - index) * INTERVAL,
      series * SAMPLES + index,
    ]);
  }

  private async withClient<T>(
    objects: readonly Manifest[],
    use: (client: VictoriaMetricsClient) => Promise<T>,
  ): Promise<T> {
    const insert = await this.kubectl.forward(serviceOf(objects, 'vminsert'), 8480);
    try {
      const select = await this.kubectl.forward(serviceOf(objects, 'vmselect'), 8481);
      const client = VictoriaMetricsClient.cluster({ insert: insert.url, select: select.url });
      try {
        return await use(client);
      } finally {
        client.close();
        await select.stop();
      }
    } finally {
      await insert.stop();
    }
  }
}
