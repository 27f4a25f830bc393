import { all, boolean, object, rule, type Check } from '../validation';

/** Where a value is coloured, in its own unit: a ratio of the unit `percentunit` is 0 to 1. */
export interface Thresholds {
  /** Orange from here on. @default - nothing is orange */
  readonly warning?: number;
  /** Red from here on. @default - nothing is red */
  readonly critical?: number;
  /** Whether low is bad: below `critical` is red, and below `warning` orange. @default false */
  readonly below?: boolean;
}

const finite: Check = rule(Number.isFinite, 'must be a number', 'write for example 0.9');

export const thresholdsCheck: Check = all(
  object<Thresholds>({ warning: finite, critical: finite, below: boolean }),
  rule(
    (value) => (value as Thresholds).warning !== undefined || (value as Thresholds).critical !== undefined,
    'colours nothing',
    'set `warning`, `critical` or both',
  ),
  (value, prop, problems) => {
    const { warning, critical, below = false } = value as Thresholds;
    if (warning === undefined || critical === undefined) return value;
    const right = below ? critical < warning : warning < critical;
    problems.when(!right, {
      prop,
      value,
      rule: `${below ? 'with `below`, ' : ''}\`warning\` must be ${below ? 'above' : 'below'} \`critical\`, else nothing would ever be orange`,
      fix: below ? 'exchange them, or remove `below`' : 'exchange them, or set `below: true` where low is bad',
    });
    return value;
  },
);

interface Step {
  readonly color: string;
  /** null is below all others. */
  readonly value: number | null;
}

/** As in `fieldConfig`: each colour holds from its value up. */
export function thresholdSteps(thresholds: Thresholds | undefined): { mode: 'absolute'; steps: readonly Step[] } {
  return { mode: 'absolute', steps: thresholds ? steps(thresholds) : [{ color: 'green', value: null }] };
}

function steps({ warning, critical, below = false }: Thresholds): Step[] {
  if (!below) {
    return [
      { color: 'green', value: null },
      ...(warning === undefined ? [] : [{ color: 'orange', value: warning }]),
      ...(critical === undefined ? [] : [{ color: 'red', value: critical }]),
    ];
  }
  return [
    ...(critical === undefined ? [] : [{ color: 'red', value: null }]),
    ...(warning === undefined ? [] : [{ color: 'orange', value: critical ?? null }]),
    { color: 'green', value: warning ?? critical! },
  ];
}
