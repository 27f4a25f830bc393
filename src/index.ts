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
export { InvalidValueError, Problems, type Problem } from './validation';
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
export {
  livenessProbe,
  readinessProbe,
  StackDefaults,
  Workload,
  type StackDefaultsProps,
  type WorkloadProps,
  type WorkloadSpec,
} from './workload';
export type {
  Affinity,
  AutoscalingProps,
  ClaimProps,
  ClaimRetentionPolicy,
  ControllerKind,
  Container,
  DisruptionBudgetProps,
  EnvVar,
  EphemeralProps,
  Identity,
  PortProps,
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
