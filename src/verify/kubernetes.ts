import type { Labels } from '../client';

/** A Deployment, a StatefulSet or a DaemonSet, and how far it is rolled out. */
export interface Workload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly name: string;
  readonly labels: Labels;
  /** What its pods have. */
  readonly podLabels: Labels;
  /** Whether its controller has seen the last change. */
  readonly observed: boolean;
  /** How many pods there should be. */
  readonly desired: number;
  /** How many pods there are. */
  readonly total: number;
  /** How many pods are of the newest version. */
  readonly updated: number;
  /** How many pods take requests. */
  readonly ready: number;
}

/** A container of a pod, and its state. */
export interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name?: string; readonly port: number }[];
  /** The path of the readiness probe, where it is an HTTP request. */
  readonly readinessPath?: string;
  /** How often it was started again. */
  readonly restarts: number;
  /** How the life before this one ended. */
  readonly lastEnd?: { readonly at: Date; readonly reason: string; readonly exitCode: number };
  /** Why it does not run, e.g. `CrashLoopBackOff`. */
  readonly waiting?: string;
  /** How it ended, when it is not started again. */
  readonly exitCode?: number;
}

/** A pod, and its state. */
export interface Pod {
  readonly name: string;
  /** Different from that of an earlier pod of the same name. */
  readonly uid: string;
  readonly labels: Labels;
  readonly ip?: string;
  /** As in `Running`. */
  readonly phase: string;
  /** Whether it takes requests. */
  readonly ready: boolean;
  /** Since when, where it is ready and that is known. */
  readonly readySince?: Date;
  /** Whether it was told to go. */
  readonly terminating: boolean;
  readonly containers: readonly PodContainer[];
  /** Names of the claims that it mounts. */
  readonly claims: readonly string[];
  /** Names of the ConfigMaps that it mounts. */
  readonly configMaps: readonly string[];
  /** Names of the Secrets for its images. */
  readonly imagePullSecrets: readonly string[];
}

/** A PersistentVolumeClaim. */
export interface Claim {
  readonly name: string;
  /** `Bound` when there is a volume. */
  readonly phase: string;
}

/** What Kubernetes has to say about an object. */
export interface KubernetesEvent {
  /** Whether it is of type `Warning`. */
  readonly warning: boolean;
  readonly reason: string;
  readonly message: string;
}

/** What chooses objects by their labels: all that it says must hold. */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    /** `In`, `NotIn`, `Exists` or `DoesNotExist`. */
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** Who is let in: all that is there must hold. */
export interface PolicyPeer {
  /** Of the namespaces that are selected, else of that of the policy. */
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

/** Who is let in, and where. */
export interface IngressRule {
  /** Empty: everybody. */
  readonly from: readonly PolicyPeer[];
  /** Empty: all ports. A port has a number or a name. */
  readonly ports: readonly { readonly port?: number | string; readonly endPort?: number }[];
}

/** A NetworkPolicy that restricts who reaches its pods. */
export interface NetworkPolicy {
  readonly name: string;
  /** The pods that it is about. */
  readonly podSelector: LabelSelector;
  readonly ingress: readonly IngressRule[];
}

/** A way to a port of a pod. */
export interface Forward {
  /** As in `http://127.0.0.1:40123`. */
  readonly url: string;
  close(): Promise<void>;
}

/** A pod to be made, as the API takes it. */
export interface PodManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: { readonly name: string; readonly labels: Labels };
  readonly spec: object;
}

/** All that `verify` needs of Kubernetes, in one namespace. No call may last for ever. */
export interface Kubernetes {
  /** Of the kubeconfig; it is what `chaos` is confirmed for. */
  readonly context: string;
  readonly namespace: string;
  workloads(): Promise<readonly Workload[]>;
  pods(): Promise<readonly Pod[]>;
  claims(): Promise<readonly Claim[]>;
  networkPolicies(): Promise<readonly NetworkPolicy[]>;
  /** In the order in which they happened. */
  events(kind: string, name: string): Promise<readonly KubernetesEvent[]>;
  /** @returns the files, nothing when there is no such ConfigMap */
  configMap(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** The last lines of a container; with `previous` of its life before this one. */
  logs(pod: string, container: string, lines: number, previous: boolean): Promise<readonly string[]>;
  forward(pod: string, port: number): Promise<Forward>;
  createPod(manifest: PodManifest): Promise<void>;
  /** Resolves when the pod was told to go; also when there is none. */
  deletePod(name: string): Promise<void>;
  /** Replaces all pods as the workload does after a change. Resolves when that is under way. */
  restart(workload: Pick<Workload, 'kind' | 'name'>): Promise<void>;
}
