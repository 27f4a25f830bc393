export type { Auth, Labels } from '../client';
export { connectToKubernetes, type KubernetesOptions } from './client-node';
export type {
  Claim,
  Forward,
  IngressRule,
  Kubernetes,
  KubernetesEvent,
  LabelSelector,
  NetworkPolicy,
  Pod,
  PodContainer,
  PodManifest,
  PolicyPeer,
  Workload,
} from './kubernetes';
export { formatReport, formatStep, type Report, type Result, type Step, type Topic } from './report';
export type { Patience, Progress } from './session';
export type { Credentials, Program } from './stack';
export { verify, type VerifyOptions } from './verify';
