export type { Scenario } from './environment';
export * from './metrics-demo';
