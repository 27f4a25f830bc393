import type { Probe, ProbeAction } from './kubernetes';

/** How often and how patiently a probe asks; the names and units are those of Kubernetes. */
export interface ProbeTimings {
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** Changes to the timings of a component's probes. A probe that the component does not have cannot be added here. */
export interface ProbeProps {
  /** @default - every 5 s, 5 s patience, unready after 10 failures in a row */
  readonly readiness?: ProbeTimings;
  /** @default - every 10 s, 5 s patience, restarted after 10 failures in a row */
  readonly liveness?: ProbeTimings;
  /** @default - every 5 s, 5 s patience */
  readonly startup?: ProbeTimings;
}

/** The probes that a component asks for. */
export interface Probes {
  readonly readiness?: Probe;
  readonly liveness?: Probe;
  readonly startup?: Probe;
}

// The timings of the VictoriaMetrics operator and Helm charts: 5 s period and timeout, 10 failures for readiness.
export function readinessProbe(action: ProbeAction): Probe {
  return { ...action, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 10 };
}

export function livenessProbe(action: ProbeAction): Probe {
  return { ...action, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 10 };
}

export function adjust(probes: Probes, props: ProbeProps = {}): Probes {
  const merged = (probe: Probe | undefined, timings: ProbeTimings | undefined): Probe | undefined =>
    probe && { ...probe, ...timings };
  return {
    readiness: merged(probes.readiness, props.readiness),
    liveness: merged(probes.liveness, props.liveness),
    startup: merged(probes.startup, props.startup),
  };
}
