import { Duration, type Size } from 'cdk8s';
import type { FlagSet, VmstorageFlags } from '../flags';
import { all, atLeastOne, duration, kibibytes, object, rule, size, type Problems, type Shape } from '../validation';
import { Retention } from '../values';
import { capacityOf, volumeCheck, type GracePeriod, type VolumeProps } from '../workload';

/** How long data is kept and which samples count as duplicates. */
export interface RetentionProps {
  /** How long data is kept. @default Retention.months(1) */
  readonly retention?: Retention;
  /** How far into the future timestamps may lie. @default - 2 days */
  readonly futureRetention?: Retention;
  /**
   * Of all samples of a series within this interval one is kept. Set it to the scrape interval where two identical
   * agents write the same series.
   *
   * At least a millisecond.
   *
   * @default - 1 ms where data is replicated, which removes the copies; else off
   */
  readonly dedupInterval?: Duration;
  /** How many new series are taken; samples of further ones are dropped and counted. @default - no limit */
  readonly seriesLimits?: SeriesLimits;
}

/** How many new time series each process takes. */
export interface SeriesLimits {
  /** Within an hour. @default - no limit */
  readonly hourly?: number;
  /** Within a day. @default - no limit */
  readonly daily?: number;
}

/** Where data is kept. */
export interface StoreProps {
  /** The claim of each pod, or space that is gone with the pod. */
  readonly volume: VolumeProps;
  /** With less free space than this no more data is accepted. @default - 100 MB */
  readonly minFreeDisk?: Size;
}

const retention = rule((value) => Retention.is(value), 'must be a Retention', 'write Retention.days(90)');

export const RETENTION_SHAPE: Shape<RetentionProps> = {
  retention,
  futureRetention: all(
    retention,
    rule(
      (value) => (value as Retention).toHours() >= 48,
      'VictoriaMetrics accepts at least 2 days',
      'use Retention.days(2) or more, or leave it out',
    ),
  ),
  dedupInterval: duration,
  seriesLimits: object<SeriesLimits>({ hourly: atLeastOne, daily: atLeastOne }),
};

export const STORE_SHAPE: Shape<StoreProps> = { volume: volumeCheck, minFreeDisk: size };

/** The folder of the data in the container. */
export const STORAGE_PATH = '/storage';

/**
 * Storing processes let connections go for 10 s (`-storage.vminsertConnsShutdownDuration`) and then write what is in
 * memory to disk, which takes a large node longer than the minute that the Helm charts give.
 */
export const STORAGE_GRACE_PERIOD: GracePeriod = { standard: Duration.seconds(120), least: Duration.seconds(30) };

/** `-storage.minFreeDiskSpaceBytes` of the binary. */
const DEFAULT_MIN_FREE_KIBIBYTES = 100_000_000 / 1024;

type StorageFlags = Pick<
  VmstorageFlags,
  | 'storageDataPath'
  | 'http.shutdownDelay'
  | 'retentionPeriod'
  | 'futureRetention'
  | 'dedup.minScrapeInterval'
  | 'storage.minFreeDiskSpaceBytes'
  | 'storage.maxHourlySeries'
  | 'storage.maxDailySeries'
>;

export function setStorageFlags(
  flags: FlagSet<StorageFlags>,
  { retention = Retention.months(1), futureRetention, dedupInterval, seriesLimits }: RetentionProps,
  { minFreeDisk }: StoreProps,
  prefix: string,
): void {
  flags
    .set('storageDataPath', STORAGE_PATH, `${prefix}volume`)
    .refuse(
      ['http.shutdownDelay'],
      'nobody else could take over meanwhile, and the time is missing for writing to disk',
      'remove it',
    )
    .set('retentionPeriod', retention, 'retention')
    .set('futureRetention', futureRetention, 'futureRetention')
    .set('dedup.minScrapeInterval', dedupInterval, 'dedupInterval')
    .set('storage.minFreeDiskSpaceBytes', minFreeDisk, `${prefix}minFreeDisk`)
    .set('storage.maxHourlySeries', seriesLimits?.hourly, 'seriesLimits.hourly')
    .set('storage.maxDailySeries', seriesLimits?.daily, 'seriesLimits.daily');
}

/** What only both together can show to be wrong. */
export function checkStore({ volume, minFreeDisk }: StoreProps, prefix: string, problems: Problems): void {
  const capacity = capacityOf(volume);
  const free = minFreeDisk ? kibibytes(minFreeDisk) : DEFAULT_MIN_FREE_KIBIBYTES;
  problems.when(!!capacity && free >= kibibytes(capacity), {
    prop: `${prefix}minFreeDisk`,
    value: minFreeDisk ?? '100MB by default',
    rule: `the volume has ${capacity?.asString()} in all, so that no data would ever be accepted`,
    fix: `enlarge \`${prefix}volume\` or lower \`${prefix}minFreeDisk\``,
  });
}
