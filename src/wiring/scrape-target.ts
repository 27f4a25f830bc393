import type { Wired } from './connections';
import type { Credentials } from './endpoint';
import type { LabelSelector } from './peer';

/** What to say about pods that serve metrics. */
export interface ScrapeTargetProps {
  /** The pods. */
  readonly owner: Wired;
  /** Tells this target from all others of the namespace: the name of the workload. */
  readonly name: string;
  /** What the pods run, e.g. `vmstorage`: the label `job` of all that is scraped there. */
  readonly job: string;
  /** Selects the pods: each of them is scraped, which an address shared by all could not do. */
  readonly podSelector: LabelSelector;
  /** The namespace of the pods. @default - that of whoever scrapes */
  readonly namespace?: string;
  /** The name of the port that serves metrics. */
  readonly portName: string;
  /** The number of that port. */
  readonly port: number;
  /** Where the metrics are on the port. @default /metrics */
  readonly path?: string;
  /** What whoever scrapes must send. @default - none */
  readonly credentials?: Credentials;
  /** Whether labels that the pods report win over those of the pods themselves, since they tell of others. @default false */
  readonly honorLabels?: boolean;
  /** Whether the metrics are those of the node, whose name is then the label `instance`. @default false */
  readonly ofNode?: boolean;
}

/** Where every one of a set of pods serves its own metrics. */
export class ScrapeTarget {
  public readonly name: string;
  public readonly job: string;
  public readonly podSelector: LabelSelector;
  public readonly namespace: string | undefined;
  public readonly portName: string;
  public readonly port: number;
  public readonly path: string;
  public readonly credentials: Credentials | undefined;
  public readonly honorLabels: boolean;
  public readonly ofNode: boolean;

  private readonly owner: Wired;

  public constructor(props: ScrapeTargetProps) {
    this.owner = props.owner;
    this.name = props.name;
    this.job = props.job;
    this.podSelector = props.podSelector;
    this.namespace = props.namespace;
    this.portName = props.portName;
    this.port = props.port;
    this.path = props.path ?? '/metrics';
    this.credentials = props.credentials;
    this.honorLabels = props.honorLabels ?? false;
    this.ofNode = props.ofNode ?? false;
  }

  /** Lets the consumer's pods scrape these pods, in the NetworkPolicies of both sides. */
  public connectFrom(consumer: Wired): void {
    consumer.connections.connectTo(this.owner.connections, { port: this.port });
  }
}
