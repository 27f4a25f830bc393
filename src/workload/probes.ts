import type { Problems } from '../validation';
import type { Probe, ProbeAction } from './kubernetes';

/** How often and how patiently a probe asks; the names and units are those of Kubernetes. */
export interface ProbeTimings {
  /** From the start of the container to the first question. @default - as the component has it */
  readonly initialDelaySeconds?: number;
  /** From one question to the next. @default - as the component has it */
  readonly periodSeconds?: number;
  /** How long an answer may take. @default - as the component has it */
  readonly timeoutSeconds?: number;
  /** How many good answers in a row end a failure. @default - as the component has it */
  readonly successThreshold?: number;
  /** How many bad answers in a row are a failure. @default - as the component has it */
  readonly failureThreshold?: number;
}

/** Changes to the timings of a component's probes. A probe that the component does not have cannot be added here. */
export interface ProbeProps {
  /** Whether the pod gets requests. @default - every 5 s, 5 s patience, unready after 10 failures in a row */
  readonly readiness?: ProbeTimings;
  /** Whether the container is restarted. @default - every 10 s, 5 s patience, restarted after 10 failures in a row */
  readonly liveness?: ProbeTimings;
  /** For components of your own: none of this library has one. @default - that of the component */
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

/** The component's probes with the user's timings. A probe that the component does not have is a problem. */
export function adjust(probes: Probes, props: ProbeProps = {}, prefix: string, problems: Problems): Probes {
  const adjusted: { -readonly [K in keyof Probes]: Probe } = {};
  for (const kind of ['readiness', 'liveness', 'startup'] as const) {
    const probe = probes[kind];
    if (probe) adjusted[kind] = { ...probe, ...props[kind] };
    problems.when(!probe && props[kind] !== undefined, {
      prop: `${prefix}probes.${kind}`,
      value: props[kind],
      rule: `the component has no ${kind} probe whose timings could be changed`,
      fix: 'remove it, or add a probe by a patch',
    });
  }
  return adjusted;
}
