import { InvalidValueError } from '../validation';

/** The suffixes of VictoriaMetrics' retention flags, in hours. A month has 31 days and a year 365 there. */
const HOURS = { h: 1, d: 24, w: 7 * 24, M: 31 * 24, y: 365 * 24 } as const;

type RetentionUnit = keyof typeof HOURS;

/** VictoriaMetrics refuses to start with less than a day. */
const MINIMUM_HOURS = 24;

/** VictoriaMetrics refuses to start with more than a hundred years. */
const MAXIMUM_HOURS = 100 * HOURS.y;

/**
 * How long data is kept, as VictoriaMetrics' `-retentionPeriod` and its relatives understand it.
 * At least one day, at most 100 years.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/#retention
 */
export class Retention {
  /** @throws InvalidValueError when below one day or above 100 years. */
  public static hours(amount: number): Retention {
    return new Retention(amount, 'h');
  }

  /** @throws InvalidValueError when below one day or above 100 years. */
  public static days(amount: number): Retention {
    return new Retention(amount, 'd');
  }

  /** @throws InvalidValueError when below one day or above 100 years. */
  public static weeks(amount: number): Retention {
    return new Retention(amount, 'w');
  }

  /** Months of 31 days. @throws InvalidValueError when below one day or above 100 years. */
  public static months(amount: number): Retention {
    return new Retention(amount, 'M');
  }

  /** Years of 365 days. @throws InvalidValueError when below one day or above 100 years. */
  public static years(amount: number): Retention {
    return new Retention(amount, 'y');
  }

  /**
   * Reads what `-retentionPeriod` accepts: `90d`, `2y`, `36h`, `8w`, or a bare number of months (`12`).
   *
   * @throws InvalidValueError when the text is none of these, below one day or above 100 years.
   */
  public static parse(text: string): Retention {
    const match = /^(\d+(?:\.\d+)?)([hdwMy]?)$/.exec(text);
    if (!match) {
      throw new InvalidValueError({
        prop: 'retention',
        value: text,
        rule: 'must be a number with one of the suffixes h, d, w, M, y, or a bare number of months',
        fix: "write for example '90d' or '12', or use Retention.days(90)",
      });
    }
    return new Retention(Number(match[1]), match[2] === '' ? 'M' : (match[2] as RetentionUnit));
  }

  /** Whether a value is a Retention, of this copy of the package or of another. */
  public static is(value: unknown): value is Retention {
    return typeof value === 'object' && value !== null && 'toHours' in value && !('toMilliseconds' in value);
  }

  private constructor(
    private readonly amount: number,
    private readonly unit: RetentionUnit,
  ) {
    const hours = this.toHours();
    if (!(hours >= MINIMUM_HOURS && hours <= MAXIMUM_HOURS)) {
      throw new InvalidValueError({
        prop: 'retention',
        value: `${amount}${unit}`,
        rule: 'VictoriaMetrics keeps data for at least 1 day and at most 100 years',
        fix: 'use something from Retention.days(1) to Retention.years(100)',
      });
    }
  }

  public toHours(): number {
    return this.amount * HOURS[this.unit];
  }

  /** The value of the flag. Months are a bare number, which every version of VictoriaMetrics reads as months. */
  public toString(): string {
    return this.unit === 'M' ? String(this.amount) : `${this.amount}${this.unit}`;
  }
}
