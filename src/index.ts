export * from './cluster';
export * from './single';
export {
  victoriaMetricsFlags,
  vminsertFlags,
  vmselectFlags,
  vmstorageFlags,
  type VictoriaMetricsFlags,
  type VminsertFlags,
  type VmselectFlags,
  type VmstorageFlags,
} from './flags';
export {
  IngestEndpoints,
  type GracefulProps,
  type HttpAuth,
  type LabelLimits,
  type ListenerProps,
  type Listeners,
  type QueryLimits,
  type RetentionProps,
  type SeriesLimits,
  type ServerProps,
  type StoreProps,
} from './roles';
export { InvalidValueError, type Problem } from './validation';
export { Cpu, Image, IMAGES, Retention, SecretRef, Tenant, VICTORIA_METRICS_VERSION, type NamedSecret } from './values';
export {
  Endpoint,
  ReadEndpoint,
  WriteEndpoint,
  type Credentials,
  type ExternalEndpointProps,
  type LabelSelector,
  type NetworkPolicyPeer,
  type NetworkPort,
  type Peer,
} from './wiring';
export { StackDefaults, Workload, type StackDefaultsProps, type WorkloadProps } from './workload';
export type {
  Affinity,
  AutoscalingProps,
  ClaimProps,
  ClaimRetentionPolicy,
  Container,
  DisruptionBudgetProps,
  EnvVar,
  EphemeralProps,
  ProbeProps,
  ProbeTimings,
  RunAs,
  ScalingProps,
  SchedulingProps,
  ServiceProps,
  SpreadPolicy,
  SpreadProps,
  Toleration,
  Volume,
  VolumeMount,
  VolumeProps,
} from './workload';
