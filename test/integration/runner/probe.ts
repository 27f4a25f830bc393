import { get } from 'node:http';
import { connect } from 'node:net';
import type { Container } from '../../../src';

export type Probe = NonNullable<Container['readinessProbe']>;

/** The defaults of Kubernetes. */
export const PROBE_DEFAULTS = {
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
} as const;

/**
 * Runs a probe once, as the kubelet would.
 *
 * @param port finds the number of a port by its name
 * @throws Error for kinds of probes that the runner cannot honour
 */
export async function runProbe(probe: Probe, host: string, port: (name: string | number) => number): Promise<boolean> {
  const timeout = (probe.timeoutSeconds ?? PROBE_DEFAULTS.timeoutSeconds) * 1000;
  const { httpGet, tcpSocket } = probe;
  if (httpGet && httpGet.scheme !== 'HTTPS') return answersHttp(host, port(httpGet.port), httpGet.path, timeout);
  if (tcpSocket) return acceptsTcp(host, port(tcpSocket.port), timeout);
  throw new Error(`${JSON.stringify(probe)}: the runner knows the probes httpGet over HTTP and tcpSocket alone`);
}

async function answersHttp(host: string, port: number, path: string, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent: false, timeout }, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      // https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/#http-probes
      resolve(statusCode >= 200 && statusCode < 400);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.once('close', () => resolve(false));
  });
}

async function acceptsTcp(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout }, () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('timeout', () => socket.destroy());
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
