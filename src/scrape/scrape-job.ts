import type { SecretPath } from '../flags';
import type { Problem } from '../validation';
import type { SecretRef } from '../values';
import type { Endpoint, NetworkPolicyPeer, NetworkPort, ScrapeTarget } from '../wiring';
import type { ApiAccess } from '../workload';

/** A value of YAML. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain | undefined };

/** One entry of `scrape_configs`, as the file says it. */
export type ScrapeConfig = Readonly<Record<string, Plain | undefined>> & { readonly job_name: string };

/** Where connections of a job go that no component of the stack is behind. */
export type ScrapeDestination =
  | { readonly kind: 'nodes'; readonly ports: readonly NetworkPort[] }
  | {
      readonly kind: 'peer';
      readonly peer: NetworkPolicyPeer;
      readonly ports: readonly NetworkPort[];
      /** Whether no name is looked up to get there. @default false */
      readonly byAddress?: boolean;
    }
  | { readonly kind: 'anywhere'; readonly ports?: readonly NetworkPort[] };

/** What runs scrape jobs. */
export type ScrapeProgram = 'vmagent' | 'prometheus';

/**
 * One entry of `scrape_configs` of vmagent and Prometheus with all that it needs: what it reads of the Kubernetes API,
 * where its connections go, which Secrets it sends.
 */
export interface ScrapeJob {
  /** `job_name`, which no two jobs of an agent share. */
  readonly name: string;
  /** What discovery reads. @default - nothing */
  readonly apiAccess?: readonly ApiAccess[];
  /** What is scraped that is no component of the stack. @default - none */
  readonly destinations?: readonly ScrapeDestination[];
  /** Components of the stack that are scraped. @default - none */
  readonly targets?: readonly ScrapeTarget[];
  /** Endpoints that are scraped. @default - none */
  readonly endpoints?: readonly Endpoint[];
  /** Secrets to mount as files. @default - none */
  readonly secrets?: readonly SecretRef[];
  /** How often, where it differs from the global interval, in seconds. @default - the global interval */
  readonly intervalSeconds?: number;
  /** How long a scrape may take, where it differs from the global timeout, in seconds. @default - the global timeout */
  readonly timeoutSeconds?: number;
  /** What is wrong with the job, for the program that is to run it. @default - nothing */
  check?(program: ScrapeProgram): readonly Problem[];
  /** The entry of the file. @param secretPath gives the file of a key of a Secret */
  render(secretPath: SecretPath): ScrapeConfig;
}

/** What a factory of jobs gives. */
export type ScrapeSource = ScrapeJob | readonly ScrapeJob[];
