import type { Duration, Size } from 'cdk8s';
import type { Retention, SecretRef } from '../values';

/** What `-help` of a binary says about its flags. */
export interface FlagCatalogue<F extends object = object> {
  /** The name of the binary. */
  readonly binary: string;
  /** The version that the catalogue was read from. */
  readonly version: string;
  /** The type of every flag. */
  readonly types: { readonly [K in keyof Required<F>]: FlagType };
  /** Flags that the binary still accepts and ignores. */
  readonly deprecated: readonly string[];
}

export type FlagType =
  | 'bool'
  | 'int'
  | 'uint'
  | 'float'
  | 'duration'
  | 'size'
  | 'retention'
  | 'secret'
  | 'array'
  | 'literalSecret'
  | 'string'
  | 'value';

type GoDurationUnit = 'ns' | 'us' | 'ms' | 's' | 'm' | 'h';
type ByteUnit = 'KB' | 'MB' | 'GB' | 'TB' | 'KiB' | 'MiB' | 'GiB' | 'TiB';

export type BoolFlag = boolean;
/** A whole number. */
export type IntFlag = number;
/** A whole number of at least 0. */
export type UintFlag = number;
export type FloatFlag = number;
/** A cdk8s `Duration`, or Go's notation: `30s`, `1h30m`. Days are not known there. */
export type DurationFlag =
  Duration | `${number}${GoDurationUnit}` | `${number}${GoDurationUnit}${number}${GoDurationUnit}`;
/** A cdk8s `Size`, a number of bytes, or a number with a unit: `512MiB`. */
export type SizeFlag = Size | number | `${number}${ByteUnit}`;
/** A `Retention`, a number of months, or a number with a unit: `90d`. */
export type RetentionFlag = Retention | number | `${number}${'s' | 'h' | 'd' | 'w' | 'M' | 'y'}`;
/** A key of a Secret: mounted as a file, read again by the process when it changes. */
export type SecretFlag = SecretRef;
export type StringFlag = string;
export type ValueFlag = string | number;
/** One value or several, in the order given. */
export type ArrayFlag = string | number | boolean | readonly (string | number | boolean)[];
/** A secret that the binary reads from nowhere but its args: use the flag of the same name that ends in `File`. */
export type LiteralSecretFlag = never;
