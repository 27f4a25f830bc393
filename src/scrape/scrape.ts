import type { ScrapeTarget } from '../wiring';
import { componentJobs } from './component-job';
import type { DiscoveryProps } from './job-props';
import {
  annotatedPods,
  apiServer,
  cadvisor,
  kubelet,
  serviceEndpoints,
  type AnnotatedProps,
  type KubeletProps,
} from './kubernetes-jobs';
import { jobsFromFile, rawJob, type RawScrapeConfig, type ScrapeNeeds } from './raw-job';
import type { ScrapeJob } from './scrape-job';
import { staticJob, type StaticProps } from './static-job';

/**
 * What an agent scrapes. What is wrong with a job is reported by the agent that runs it, when the app is synthesized.
 *
 * @see SCRAPE_LABELS for the labels that the jobs set
 */
export class Scrape {
  /**
   * Pods with the annotation `prometheus.io/scrape: "true"`. `prometheus.io/port`, `path`, `scheme` and `param_<name>`
   * say how; without `port` all ports are scraped that the pod declares, with it just that one, declared or not.
   *
   * Init containers are left out, also those that go on beside the others (sidecars with `restartPolicy: Always`): what
   * is discovered does not tell them apart. Name the port of such a sidecar with `prometheus.io/port`, which no
   * container needs to declare then.
   *
   * Reads pods of the Kubernetes API. Pods on the network of their node are out of reach of NetworkPolicies that choose
   * pods: open the way with `agent.connections.allowTo`.
   *
   * The job is called `annotated-pods`.
   */
  public static annotatedPods(props?: AnnotatedProps): ScrapeJob {
    return annotatedPods(props);
  }

  /**
   * The pods behind Services with the annotation `prometheus.io/scrape: "true"`; the other annotations are those of
   * `annotatedPods`. Only ports that the Service names are scraped, or the one of `prometheus.io/port`.
   *
   * Reads EndpointSlices, Services and pods of the Kubernetes API. The job is called `service-endpoints`.
   */
  public static serviceEndpoints(props?: AnnotatedProps): ScrapeJob {
    return serviceEndpoints(props);
  }

  /**
   * Targets that are known beforehand. Needs nothing of the Kubernetes API. Of a Service each scrape reaches another of
   * its pods: components are better scraped by `Scrape.component`.
   */
  public static static(props: StaticProps): ScrapeJob {
    return staticJob(props);
  }

  /**
   * The metrics of the kubelets, over https with the token of the agent.
   *
   * Most clusters let kubelets sign their certificates themselves, so that they are not verified. Where the authority of
   * the cluster signs them (`serverTLSBootstrap`), set `tls: { insecureSkipVerify: false }`.
   *
   * The job is called `kubelet`; the label `instance` is the name of the node.
   */
  public static kubelet(props?: KubeletProps): ScrapeJob {
    return kubelet(props);
  }

  /** What the kubelets know of containers: CPU, memory, network and disks. As `kubelet`; the job is called `cadvisor`. */
  public static cadvisor(props?: KubeletProps): ScrapeJob {
    return cadvisor(props);
  }

  /** `kubelet` and `cadvisor`. */
  public static nodes(props?: Omit<KubeletProps, 'name' | 'metricsPath'>): readonly ScrapeJob[] {
    return [kubelet(props), cadvisor(props)];
  }

  /** The API servers, each by its own address, verified with the authority of the cluster. The job is called `apiserver`. */
  public static apiServer(props?: DiscoveryProps): ScrapeJob {
    return apiServer(props);
  }

  /**
   * A component of the stack, each pod by itself. An agent of the same chart scrapes it without being told; one of another
   * chart, where NodeExporter usually is, for its namespace, must be.
   */
  public static component(workload: { readonly metrics: readonly ScrapeTarget[] }): readonly ScrapeJob[] {
    return componentJobs(workload.metrics);
  }

  /**
   * A scrape config as the documentation of vmagent or Prometheus spells it. Where a field names a file, a `SecretRef`
   * may stand.
   *
   * @param needs where its connections go, where the config does not tell
   */
  public static raw(config: RawScrapeConfig, needs?: ScrapeNeeds): ScrapeJob {
    return rawJob(config, needs);
  }

  /**
   * The scrape configs of a YAML file: one, a list, or `scrape_configs` of a whole configuration. Where a field names a
   * file, `secret://name-of-the-secret/key` may stand.
   *
   * @param path from the folder that the app is run in
   * @param needs where their connections go, where the configs do not tell
   * @throws InvalidValueError when there is no such file, it is no YAML, or holds no scrape config.
   */
  public static fromFile(path: string, needs?: ScrapeNeeds): readonly ScrapeJob[] {
    return jobsFromFile(path, needs);
  }
}
