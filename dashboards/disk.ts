import type { Series } from './series';

/** Above the space that the storage keeps free, below which it takes in nothing. */
export function free({ of }: Series): string {
  return `(${of('vm_free_disk_space_bytes')} - ${of('vm_free_disk_space_limit_bytes')})`;
}

/** Days until the disks of the storage are full, as the last day went. */
export function daysLeft(series: Series): string {
  return daysUntilFull(free(series), series.of('vm_free_disk_space_bytes'), '1d', '6h');
}

/**
 * Days until nothing is left, as what is available went over a time. A disk that does not fill is full in a year as well,
 * so that there is a number; one that is new has none, since what runs on it fills its caches first.
 *
 * @param age how old a disk is at the least
 */
export function daysUntilFull(left: string, available: string, time: string, age: string): string {
  return `clamp_max(${left} / clamp_min(-deriv(${available}[${time}]), 1) / 86400, 365) and ${available} offset ${age}`;
}

/** What stands in the place of the days as long as there are none. */
export const TOO_EARLY = 'too early to tell';
