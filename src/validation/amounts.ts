import { SizeRoundingBehavior, type Duration, type Size } from 'cdk8s';

/** A size in KiB, however it was given: cdk8s refuses to convert what is not whole. */
export function kibibytes(size: Size): number {
  return size.toKibibytes({ rounding: SizeRoundingBehavior.NONE });
}

/** A duration in milliseconds, however it was given: cdk8s refuses to convert what is not whole. */
export function milliseconds(duration: Duration): number {
  return duration.toMilliseconds({ integral: false });
}

/** A duration in whole seconds, rounded up. */
export function wholeSeconds(duration: Duration): number {
  return Math.ceil(milliseconds(duration) / 1000);
}
