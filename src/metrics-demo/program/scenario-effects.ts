import type { Scenario } from '../environment';

/** What a scenario changes. Of several that are active all effects hold. */
export interface Effects {
  /** Traffic is multiplied by this. */
  readonly traffic: number;
  /** Whether users can log in and stay logged in. */
  readonly users: boolean;
  /** This share of requests fails with a status of 500 or above. */
  readonly errorRatio: number;
  /** Durations of requests, and of exports, are multiplied by this. */
  readonly slowness: number;
  /** This share of the batches of spans fails. */
  readonly exportErrorRatio: number;
  /** So many spans a second can be exported. */
  readonly exportRate: number;
  /** Whether the process takes more and more memory. */
  readonly memoryGrows: boolean;
}

const NORMAL: Effects = {
  traffic: 1,
  users: true,
  errorRatio: 0.002,
  slowness: 1,
  exportErrorRatio: 0.001,
  exportRate: 4000,
  memoryGrows: false,
};

const CHANGES: Readonly<Record<Scenario, Partial<Effects>>> = {
  normal: {},
  'high-errors': { errorRatio: 0.3, exportErrorRatio: 0.3 },
  'high-latency': { slowness: 20 },
  'traffic-drop': { traffic: 0.02, users: false },
  'queue-backlog': { exportRate: 20 },
  'memory-growth': { memoryGrows: true },
};

/** The scenarios change different things, so that their order does not matter. */
export function effectsOf(scenarios: Iterable<Scenario>): Effects {
  return Object.assign({}, NORMAL, ...[...scenarios].map((scenario) => CHANGES[scenario])) as Effects;
}
