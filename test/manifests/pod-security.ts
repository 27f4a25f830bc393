import type { V1Container, V1PodSpec, V1Probe } from '@kubernetes/client-node';
import { namespaceLabels, workloads, type Policy } from './manifest';

const VOLUME_TYPES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

type SecurityContext = NonNullable<V1PodSpec['securityContext']> & NonNullable<V1Container['securityContext']>;

/** The one program that looks at its node, which takes what "restricted" forbids. */
const NODE_PROGRAM = 'node-exporter';

/**
 * Pod Security "restricted"; for the program that looks at its node all of it but the sight of the node, read-only, and
 * in a namespace of its own that says so.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export const podSecurityRestricted: Policy = (objects) =>
  workloads(objects).flatMap(({ title, namespace, program, pod, podAnnotations, containers }) => [
    ...brokenRules(title, {
      'hostNetwork must not be true': !pod.hostNetwork || program === NODE_PROGRAM,
      'hostPID must not be true': !pod.hostPID || program === NODE_PROGRAM,
      'its namespace must enforce its level of Pod Security':
        namespaceLabels(objects, namespace)['pod-security.kubernetes.io/enforce'] ===
        (program === NODE_PROGRAM ? 'privileged' : 'restricted'),
      'hostIPC must not be true': !pod.hostIPC,
      'no ephemeral containers in a template': !pod.ephemeralContainers?.length,
      'only safe sysctls': (pod.securityContext?.sysctls ?? []).every(({ name }) => SAFE_SYSCTLS.has(name)),
      'AppArmor must not be switched off by an annotation': Object.entries(podAnnotations).every(
        ([key, value]) =>
          !key.startsWith('container.apparmor.security.beta.kubernetes.io/') ||
          /^(runtime\/default|localhost\/.*)$/.test(value),
      ),
      ...contextRules((pod.securityContext ?? {}) as SecurityContext),
    }),
    ...(pod.volumes ?? []).flatMap((volume) =>
      Object.keys(volume)
        .filter((key) => key !== 'name' && !VOLUME_TYPES.has(key))
        .filter((key) => !(program === NODE_PROGRAM && key === 'hostPath' && isReadOnly(volume.name, containers)))
        .map((type) => `${title}: volume ${volume.name} is of the type ${type}, which "restricted" forbids`),
    ),
    ...containers.flatMap((container) =>
      brokenRules(`${title}: container ${container.name}`, containerRules(container, pod)),
    ),
  ]);

/** What we ask for beyond the standard. */
export const podHardening: Policy = (objects) =>
  workloads(objects).flatMap(({ title, pod, containers }) => [
    ...brokenRules(title, {
      'automountServiceAccountToken must be said': pod.automountServiceAccountToken !== undefined,
      'securityContext.fsGroupChangePolicy must be OnRootMismatch':
        pod.securityContext?.fsGroupChangePolicy === 'OnRootMismatch',
    }),
    ...containers.flatMap(({ name, securityContext }) =>
      brokenRules(`${title}: container ${name}`, {
        'readOnlyRootFilesystem must be true': securityContext?.readOnlyRootFilesystem === true,
      }),
    ),
  ]);

function isReadOnly(volume: string, containers: readonly V1Container[]): boolean {
  return containers.every(({ volumeMounts = [] }) =>
    volumeMounts.filter(({ name }) => name === volume).every(({ readOnly }) => readOnly === true),
  );
}

/** Holds for the context of a pod and of a container alike. */
function contextRules(context: SecurityContext): Record<string, boolean> {
  const { appArmorProfile, seccompProfile, seLinuxOptions, windowsOptions, runAsNonRoot, runAsUser } = context;
  return {
    'hostProcess must not be true': !windowsOptions?.hostProcess,
    'appArmorProfile.type must be RuntimeDefault or Localhost':
      appArmorProfile === undefined || ['RuntimeDefault', 'Localhost'].includes(appArmorProfile.type),
    'seccompProfile.type must be RuntimeDefault or Localhost':
      seccompProfile === undefined || ['RuntimeDefault', 'Localhost'].includes(seccompProfile.type),
    'seLinuxOptions must keep to the container types, without user and role':
      SELINUX_TYPES.has(seLinuxOptions?.type ?? '') && !seLinuxOptions?.user && !seLinuxOptions?.role,
    'runAsNonRoot must not be false': runAsNonRoot !== false,
    'runAsUser must not be 0': runAsUser !== 0,
  };
}

function containerRules(container: V1Container, pod: V1PodSpec): Record<string, boolean> {
  const context = (container.securityContext ?? {}) as SecurityContext;
  const { capabilities } = context;
  const hooks = [container.lifecycle?.postStart, container.lifecycle?.preStop];
  const probes: (V1Probe | undefined)[] = [container.livenessProbe, container.readinessProbe, container.startupProbe];
  return {
    'privileged must not be true': !context.privileged,
    'allowPrivilegeEscalation must be false': context.allowPrivilegeEscalation === false,
    'capabilities.drop must hold ALL': capabilities?.drop?.includes('ALL') === true,
    'capabilities.add may hold NET_BIND_SERVICE only': (capabilities?.add ?? []).every(
      (capability) => capability === 'NET_BIND_SERVICE',
    ),
    'procMount must be Default': (context.procMount ?? 'Default') === 'Default',
    'no hostPort': (container.ports ?? []).every(({ hostPort = 0 }) => hostPort === 0),
    'probes and hooks must not name a host': [...probes, ...hooks].every(
      (handler) => !handler?.httpGet?.host && !handler?.tcpSocket?.host,
    ),
    'runAsNonRoot must be true, here or on the pod':
      (context.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) === true,
    'a seccompProfile is needed, here or on the pod':
      (context.seccompProfile ?? pod.securityContext?.seccompProfile) !== undefined,
    ...contextRules(context),
  };
}

function brokenRules(subject: string, rules: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [`${subject}: ${rule}`]));
}
