type Reasons = Readonly<Record<string, string>>;

/** Queries of panels that give nothing here, by folder, dashboard, panel and number, with the reason. */
export const EMPTY_PANELS: Reasons = {
  'Components / vmalert / Recording rules without result / A':
    'fills only when a rule records nothing; here all record',
};

/** Selectors of rules that choose nothing here, with the reason. */
export const EMPTY_SELECTORS: Reasons = {};

/** Metrics that not every machine has on which tests run, with the reason. */
const OF_THE_MACHINE: Reasons = {
  node_pressure_: 'the kernel may be built without pressure stall information',
  node_nf_conntrack_: 'the kernel module may not be loaded',
  node_disk_: 'a container may see no block device',
};

/** Whether it depends on the machine if a query gives something. */
export function dependsOnMachine(expr: string): boolean {
  return Object.keys(OF_THE_MACHINE).some((start) => expr.includes(start));
}
