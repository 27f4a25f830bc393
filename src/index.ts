export * from './agent';
export * from './alerting';
export * from './alertmanager';
export * from './auth';
export * from './cluster';
export * from './dashboard';
export * from './exporters';
export * from './grafana';
export * from './exposure';
export * from './metrics-demo';
export * from './opentelemetry';
export * from './prometheus';
export {
  Scrape,
  SCRAPE_LABELS,
  type AnnotatedProps,
  type DiscoveryProps,
  type GlobalScrapeProps,
  type KubeletProps,
  type RawScrapeConfig,
  type RawValue,
  type RelabelAction,
  type RelabelConfig,
  type ScrapeConfig,
  type ScrapeDestination,
  type ScrapeJob,
  type ScrapeJobProps,
  type ScrapeNeeds,
  type StaticProps,
} from './scrape';
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
  type UdpListenerProps,
} from './victoria-metrics';
export { InvalidValueError, Problems, type Problem } from './validation';
export { Cpu, Image, IMAGES, Retention, SecretRef, Tenant, VICTORIA_METRICS_VERSION, type NamedSecret } from './values';
export {
  Endpoint,
  NotifyEndpoint,
  ReadEndpoint,
  ScrapeTarget,
  WriteEndpoint,
  type ClientTls,
  type Connections,
  type Credentials,
  type EndpointProps,
  type ExternalEndpointProps,
  type LabelSelector,
  type NetworkPolicyPeer,
  type NetworkPort,
  type Peer,
  type ScrapeTargetProps,
  type ServicePort,
  type Wired,
} from './wiring';
export {
  DefaultDeny,
  livenessProbe,
  readinessProbe,
  secretPath,
  StackDefaults,
  Workload,
  type StackDefaultsProps,
  type WorkloadProps,
  type WorkloadSpec,
} from './workload';
export type {
  Affinity,
  ApiAccess,
  ApiRule,
  ApiServerProps,
  AutoscalingProps,
  ClaimProps,
  ClaimRetentionPolicy,
  ConfigFilesOptions,
  Controller,
  ContainerSecurityContext,
  ControllerKind,
  DataVolume,
  Container,
  DisruptionBudgetProps,
  DnsProps,
  EnvVar,
  EphemeralProps,
  Files,
  HostAccess,
  GracePeriod,
  Identity,
  KeyToPath,
  Labels,
  MetricsPort,
  PortProps,
  Probe,
  ProbeAction,
  ProbeProps,
  ProbeTimings,
  Probes,
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
  WebConfigAuth,
} from './workload';
