import type { Kubernetes, Pod } from './kubernetes';

const EVENTS = 3;
const LOG_LINES = 8;

/** What to look at when something is wrong with a pod: its last warnings and what it said last. */
export async function hintsOf(kubernetes: Kubernetes, pod: Pod): Promise<string[]> {
  const container = pod.containers.find(({ waiting }) => waiting !== undefined) ?? pod.containers[0];
  const crashed = container?.lastEnd !== undefined && container.waiting !== undefined;
  const [events, lines] = await Promise.all([
    warningsOf(kubernetes, 'Pod', pod.name),
    container === undefined ? [] : kubernetes.logs(pod.name, container.name, LOG_LINES, crashed).catch(() => []),
  ]);
  return [...events, ...lines.map((line) => `${pod.name} said: ${line}`)];
}

/** The last warnings about an object. */
export async function warningsOf(kubernetes: Kubernetes, kind: string, name: string): Promise<string[]> {
  const events = await kubernetes.events(kind, name).catch(() => []);
  return events
    .filter(({ warning }) => warning)
    .slice(-EVENTS)
    .map(({ reason, message }) => `event of ${name}: ${reason}: ${message}`);
}
