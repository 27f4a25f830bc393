import { Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import type { ScrapeTarget } from '../wiring';
import { duplicateNames } from './duplicate-names';

/** A workload as others of its chart see it. */
export interface RegisteredWorkload extends IConstruct {
  /** Where each pod serves its own metrics. */
  readonly metrics: readonly ScrapeTarget[];
}

type Visit = (workload: RegisteredWorkload) => void;

interface Registry {
  /** The workloads, and whatever else makes objects with names. */
  readonly makers: Set<IConstruct>;
  readonly workloads: Set<RegisteredWorkload>;
  readonly visits: Visit[];
}

/** By chart: two charts may well be meant for two clusters. */
const REGISTRIES = new WeakMap<Chart, Registry>();

/** Has the chart report it where another object has the name of one that the construct makes. */
export function registerMaker(construct: IConstruct): void {
  const chart = Chart.of(construct);
  const { makers } = registryOf(chart);
  if (makers.size === 0) chart.node.addValidation({ validate: () => duplicateNames(chart, makers) });
  makers.add(construct);
}

/** Makes a workload known to those who wait for it. */
export function register(workload: RegisteredWorkload): void {
  registerMaker(workload);
  const { workloads, visits } = registryOf(Chart.of(workload));
  workloads.add(workload);
  for (const visit of visits) visit(workload);
}

/** Calls for every workload of a chart: those that are there, in order, and at once for each that is made later. */
export function visitWorkloads(chart: Chart, visit: Visit): void {
  const { workloads, visits } = registryOf(chart);
  visits.push(visit);
  for (const workload of workloads) visit(workload);
}

function registryOf(chart: Chart): Registry {
  const known = REGISTRIES.get(chart);
  if (known) return known;
  const registry: Registry = { makers: new Set(), workloads: new Set(), visits: [] };
  REGISTRIES.set(chart, registry);
  return registry;
}
