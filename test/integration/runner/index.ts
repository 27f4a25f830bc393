export { describeWith, findBinary } from './binaries';
export type { ExitStatus } from './container-process';
export { until, type DeadlineOptions } from './deadline';
export { parseManifests, readManifests } from './manifests';
export type { Pod } from './pod';
export { Runner, type RunnerOptions } from './runner';
export type { ServiceProxy } from './service-proxy';
export { Subnet } from './subnet';
