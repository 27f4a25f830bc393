import { parseManifests } from './environments';
import { matches, type Manifest, type Policy } from './manifest';
import { POLICIES } from './policies';
import { GIBIBYTE, MEBIBYTE, parseQuantity } from './quantity';
import { secretReferences } from './references';
import { cpuLimitsOnlyOn, fitsOn } from './resources';
import { sampleCluster } from './sample-cluster';

/** Spoils good objects. */
type Change = (objects: Manifest[]) => void;

/** A change, and a part of the one violation, or of each, that it must lead to. */
type Case = [what: string, change: Change, ...violations: string[]];

const INSERT = 'Deployment/vminsert';
const SELECT = 'Deployment/vmselect';
const STORAGE = 'StatefulSet/vmstorage';
const TEMPLATE = '/spec/template/spec';
const ANTI_AFFINITY = `${TEMPLATE}/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution`;
const CONTAINER = `${TEMPLATE}/containers/0`;

/** Sets a value at a JSON Pointer of an object; `undefined` removes it. */
function set(object: string, pointer: string, value: unknown): Change {
  return (objects) => {
    const keys = pointer
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/'));
    const last = keys.pop() ?? '';
    let parent = find(objects, object) as unknown as Record<string, unknown>;
    for (const key of keys) parent = (parent[key] ??= {}) as Record<string, unknown>;
    if (value === undefined) delete parent[last];
    else parent[last === '-' ? (parent.length as number) : last] = value;
  };
}

function add(object: object): Change {
  return (objects) => objects.push(object as Manifest);
}

function copy(object: string, change: Change): Change {
  return (objects) => {
    const copied = structuredClone(find(objects, object));
    change([copied]);
    objects.push(copied);
  };
}

function remove(object: string): Change {
  return (objects) => objects.splice(objects.indexOf(find(objects, object)), 1);
}

/** Puts an object behind all others. */
function last(object: string): Change {
  return (objects) => objects.push(...objects.splice(objects.indexOf(find(objects, object)), 1));
}

function all(...changes: readonly Change[]): Change {
  return (objects) => changes.forEach((change) => change(objects));
}

function find(objects: readonly Manifest[], object: string): Manifest {
  const found = objects.find(({ kind, metadata }) => `${kind}/${metadata.name}` === object);
  if (!found) throw new Error(`the sample has no ${object}`);
  return found;
}

function violationsOf(policy: Policy, change: Change): string[] {
  const objects = sampleCluster();
  change(objects);
  return policy(objects);
}

const selector = (name: string): object => ({ matchLabels: { 'app.kubernetes.io/name': name } });
const context = (fields: object): Change => set(INSERT, `${CONTAINER}/securityContext`, { ...HARDENED, ...fields });
const HARDENED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};
const EXTRA_CONTAINER = { name: 'extra', image: 'extra:1' };

const CASES: Readonly<Record<keyof typeof POLICIES, readonly Case[]>> = {
  autoscalers: [
    ['the target is gone', remove(INSERT), 'there is no apps/v1 Deployment vminsert'],
    [
      'the target is in another API',
      set('HorizontalPodAutoscaler/vminsert', '/spec/scaleTargetRef/apiVersion', 'apps/v2'),
      'there is no apps/v2 Deployment vminsert',
    ],
    ['the target says replicas', set(INSERT, '/spec/replicas', 3), 'would reset the number of pods'],
    ['bounds are crossed', set('HorizontalPodAutoscaler/vminsert', '/spec/minReplicas', 5), 'minReplicas is above'],
    ['nobody says replicas', remove('HorizontalPodAutoscaler/vminsert'), 'says no replicas'],
    [
      'an autoscaler of another namespace',
      set('HorizontalPodAutoscaler/vminsert', '/metadata/namespace', 'x'),
      'there is no apps/v1 Deployment vminsert',
      'says no replicas',
    ],
    [
      'an autoscaler of another workload',
      set('HorizontalPodAutoscaler/vminsert', '/spec/scaleTargetRef/name', 'vmselect'),
      'would reset the number of pods',
      'Deployment monitoring/vminsert: says no replicas',
    ],
    [
      'an autoscaler of another kind',
      set('HorizontalPodAutoscaler/vminsert', '/spec/scaleTargetRef/kind', 'StatefulSet'),
      'there is no apps/v1 StatefulSet vminsert',
      'says no replicas',
    ],
  ],
  bothSidesAgree: [
    [
      'the server refuses',
      set('NetworkPolicy/vmstorage', '/spec/ingress/0', undefined),
      'StatefulSet monitoring/vmstorage refuses ingress from Deployment monitoring/vminsert on 8400/TCP',
    ],
    [
      'the client refuses',
      set('NetworkPolicy/vmselect', '/spec/egress/0', undefined),
      'Deployment monitoring/vmselect refuses egress to StatefulSet monitoring/vmstorage on 8401/TCP',
    ],
    [
      'the protocols differ',
      set('NetworkPolicy/vminsert', '/spec/egress/0/ports/0/protocol', 'UDP'),
      'refuses egress to StatefulSet monitoring/vmstorage on 8400/TCP',
      'names no port of StatefulSet monitoring/vmstorage',
    ],
    [
      'the namespaces differ',
      set('NetworkPolicy/vmstorage', '/spec/ingress/0/from/0/namespaceSelector', {
        matchLabels: { 'kubernetes.io/metadata.name': 'other' },
      }),
      'refuses ingress from Deployment monitoring/vminsert',
    ],
  ],
  configMapSize: [
    ['too large', set('ConfigMap/vmselect', '/data/large', 'x'.repeat(256 * 1024)), 'not less than 256 KiB'],
    ['too large beside the data', set('ConfigMap/vmselect', '/binaryData/large', 'x'.repeat(256 * 1024)), '256 KiB'],
  ],
  disruptionBudgets: [
    ['nothing selected', set('PodDisruptionBudget/vminsert', '/spec/selector', selector('x')), 'selects 0 workloads'],
    ['all selected', set('PodDisruptionBudget/vminsert', '/spec/selector', {}), 'selects 3 workloads'],
    ['maxUnavailable 0', set('PodDisruptionBudget/vmstorage', '/spec/maxUnavailable', 0), 'none of 3 pods'],
    ['maxUnavailable 0%', set('PodDisruptionBudget/vmstorage', '/spec/maxUnavailable', '0%'), 'none of 3 pods'],
    [
      'minAvailable at the least number of replicas',
      all(
        set('PodDisruptionBudget/vminsert', '/spec/maxUnavailable', undefined),
        set('PodDisruptionBudget/vminsert', '/spec/minAvailable', 2),
      ),
      'none of 2 pods',
    ],
    [
      'minAvailable that is rounded up',
      all(
        set('PodDisruptionBudget/vmstorage', '/spec/maxUnavailable', undefined),
        set('PodDisruptionBudget/vmstorage', '/spec/minAvailable', '67%'),
      ),
      'none of 3 pods',
    ],
  ],
  existingNamespaces: [
    ['none', set('Service/vminsert', '/metadata/namespace', undefined), 'Service vminsert: has no namespace'],
    ['unknown', set('Service/vminsert', '/metadata/namespace', 'other'), 'nothing makes its namespace'],
    [
      'one too many',
      add({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x', namespace: 'x' } }),
      'a Namespace lives in no namespace',
    ],
  ],
  governingServices: [
    ['unknown', set(STORAGE, '/spec/serviceName', 'x'), "serviceName 'x' is no Service"],
    ['not headless', set('Service/vmstorage', '/spec/clusterIP', undefined), 'must be headless'],
    ['of other pods', set('Service/vmstorage', '/spec/selector', { x: 'y' }), 'does not select its pods'],
    ['without selector', set('Service/vmstorage', '/spec/selector', {}), 'does not select its pods'],
  ],
  deniedByDefault: [
    ['nothing refuses', remove('NetworkPolicy/default-deny'), 'namespace monitoring: no NetworkPolicy refuses'],
    ['one direction only', set('NetworkPolicy/default-deny', '/spec/policyTypes', ['Ingress']), 'namespace monitoring'],
    ['some pods only', set('NetworkPolicy/default-deny', '/spec/podSelector', selector('x')), 'namespace monitoring'],
    ['something allowed', set('NetworkPolicy/default-deny', '/spec/egress', [{}]), 'namespace monitoring'],
    ['another namespace', set('NetworkPolicy/default-deny', '/metadata/namespace', 'x'), 'namespace monitoring'],
  ],
  isolatedWorkloads: [
    ['no policy', remove('NetworkPolicy/vminsert'), '0 NetworkPolicies select its pods'],
    [
      'two policies',
      copy('NetworkPolicy/vminsert', set('NetworkPolicy/vminsert', '/metadata/name', 'second')),
      '2 NetworkPolicies select its pods',
    ],
    ['ingress only', set('NetworkPolicy/vminsert', '/spec/policyTypes', ['Ingress']), 'lacks the policyType Egress'],
    ['egress only', set('NetworkPolicy/vminsert', '/spec/policyTypes', ['Egress']), 'lacks the policyType Ingress'],
  ],
  knownFlags: [
    ['unknown flag', set(INSERT, `${CONTAINER}/args/-`, '-retentionPeriod=1'), 'has no flag -retentionPeriod'],
    ['a name of Object', set(INSERT, `${CONTAINER}/args/-`, '-toString=1'), 'has no flag -toString'],
    [
      'deprecated flag',
      set(STORAGE, `${CONTAINER}/args/-`, '--bigMergeConcurrency=1'),
      '-bigMergeConcurrency is deprecated in vmstorage',
    ],
    ['flag twice', set(INSERT, `${CONTAINER}/args/-`, '-replicationFactor=3'), '-replicationFactor is set twice'],
    ['value apart from its flag', set(INSERT, `${CONTAINER}/args/-`, '2'), 'at an argument without -'],
    [
      'unknown container',
      set(INSERT, `${TEMPLATE}/initContainers`, [{ ...EXTRA_CONTAINER, args: ['-x'] }]),
      'no flag catalogue',
    ],
  ],
  kubernetesSchema: [
    ['unknown kind', set('Service/vminsert', '/kind', 'Servise'), 'Kubernetes has no Servise in v1'],
    ['kind of another group', set(INSERT, '/apiVersion', 'batch/v1'), 'Kubernetes has no Deployment in batch/v1'],
    ['old version', set(INSERT, '/apiVersion', 'apps/v1beta1'), 'Kubernetes has no Deployment in apps/v1beta1'],
    ['unknown field', set(INSERT, '/replicas', 1), 'V1Deployment has no such field'],
    ['unknown field below', set(INSERT, `${CONTAINER}/volumeMount`, []), 'V1Container has no such field'],
    ['missing field', set(INSERT, '/spec/selector', undefined), 'spec.selector: V1DeploymentSpec requires it'],
    ['missing field below', set(INSERT, `${CONTAINER}/name`, undefined), 'V1Container requires it'],
    ['text for a number', set(STORAGE, '/spec/replicas', '3'), 'must be a int32, not "3"'],
    ['number too large', set(STORAGE, '/spec/replicas', 2 ** 31), 'must be a int32'],
    ['fraction for a whole number', set(STORAGE, '/spec/replicas', 1.5), 'must be a int32, not 1.5'],
    ['number for a text', set(INSERT, `${CONTAINER}/args/0`, 5), 'args[0]: must be a string, not 5'],
    ['number for a text in a map', set('ConfigMap/vmselect', '/data/n', 5), "data['n']: must be a string, not 5"],
    ['text for a boolean', set(INSERT, `${TEMPLATE}/hostNetwork`, 'no'), 'must be a boolean, not "no"'],
    ['null', set(INSERT, `${TEMPLATE}/nodeName`, null), 'must be a string, not null'],
    ['object for a list', set(INSERT, `${CONTAINER}/args`, {}), 'must be a list'],
    ['list for a map', set(INSERT, `${TEMPLATE}/nodeSelector`, []), 'must be a map'],
    ['text for an object', set(INSERT, '/spec/strategy', 'Recreate'), 'must be an object (V1DeploymentStrategy)'],
    ['object for number or text', set('Service/vminsert', '/spec/ports/0/targetPort', { value: 1 }), 'int-or-string'],
    ['bad base64', set('ConfigMap/vmselect', '/binaryData/x', 'ä'), "binaryData['x']: must be a byte"],
    ['number for base64', set('ConfigMap/vmselect', '/binaryData/x', 5), "binaryData['x']: must be a byte"],
    ['number for a date', set(INSERT, '/metadata/creationTimestamp', 5), 'must be a date-time'],
    ['bad date', set(INSERT, '/metadata/creationTimestamp', 'soon'), 'must be a date-time'],
    ['bad choice', set(STORAGE, '/spec/podManagementPolicy', 'parallel'), 'must be one of OrderedReady, Parallel'],
    [
      'bad choice in a list',
      set(STORAGE, '/spec/volumeClaimTemplates/0/spec/accessModes', ['RWO']),
      "must be one of ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod, not 'RWO'",
    ],
    ['bad quantity', set(INSERT, `${CONTAINER}/resources/requests/cpu`, '1 core'), "'1 core' is not an amount"],
    ['negative quantity', set(INSERT, `${CONTAINER}/resources/limits/cpu`, '-1'), "'-1' is not an amount"],
    ['quantity that is no text', set(INSERT, `${CONTAINER}/resources/requests/cpu`, 1), 'must be a string, not 1'],
    ['memory without unit', set(INSERT, `${CONTAINER}/resources/requests/memory`, '384'), "'384' is 384 bytes"],
    [
      'storage without unit',
      set(STORAGE, '/spec/volumeClaimTemplates/0/spec/resources/requests/storage', '10'),
      "'10' is 10 bytes",
    ],
    [
      'space without unit',
      set(SELECT, `${TEMPLATE}/volumes/-`, { name: 'x', emptyDir: { sizeLimit: '5k' } }),
      "'5k' is 5000 bytes",
    ],
    [
      'port twice',
      set(INSERT, `${CONTAINER}/ports/-`, { name: 'again', containerPort: 8480 }),
      "the containerPort and protocol '8480 TCP'",
    ],
    [
      'mount twice',
      set(SELECT, `${CONTAINER}/volumeMounts/-`, { name: 'auth', mountPath: '/etc/config' }),
      "the mountPath '/etc/config'",
    ],
  ],
  mountedVolumes: [
    ['volume gone', set(SELECT, `${TEMPLATE}/volumes/1`, { name: 'x', emptyDir: {} }), "mounts 'auth'"],
    ['claim template gone', set(STORAGE, '/spec/volumeClaimTemplates', undefined), "mounts 'data'"],
    [
      'init container',
      set(INSERT, `${TEMPLATE}/initContainers`, [
        { ...EXTRA_CONTAINER, volumeMounts: [{ name: 'x', mountPath: '/x' }] },
      ]),
      "container extra mounts 'x'",
    ],
  ],
  noSecretLiterals: [
    [
      'URL in a flag',
      set(INSERT, `${CONTAINER}/args/-`, '-x=https://user:hunter2@example.com'),
      'vminsert: -x: holds a URL with a password',
    ],
    ['password in a flag', set(INSERT, `${CONTAINER}/args/-`, '-x.password=hunter2'), '-x.password: holds a literal'],
    [
      'flag that is a secret to its binary',
      set(INSERT, `${CONTAINER}/args/-`, '-pprofAuthKey=hunter2'),
      '-pprofAuthKey: holds a literal',
      '-pprofAuthKey: a secret is given as a file',
    ],
    [
      'variable',
      set(SELECT, `${CONTAINER}/env/-`, { name: 'DB_PASSWORD', value: 'hunter2' }),
      'env DB_PASSWORD: a secret is given by valueFrom',
    ],
    [
      'URL in a variable',
      set(SELECT, `${CONTAINER}/env/-`, { name: 'DB', value: 'postgres://user:hunter2@db/x' }),
      'env DB: holds a URL with a password',
    ],
    [
      'annotation of an object',
      set('Service/vminsert', '/metadata/annotations/x', 'api_key: hunter2'),
      'annotation x: holds a literal secret',
    ],
    [
      'annotation of pods',
      set(INSERT, '/spec/template/metadata/annotations/example.com~1token', 'hunter2'),
      'pods: annotation example.com/token: holds a literal secret',
    ],
    [
      'YAML',
      set('ConfigMap/vmselect', '/data/config.yml', 'basic_auth:\n  password: hunter2\n'),
      'ConfigMap monitoring/vmselect: config.yml: holds a literal secret',
    ],
    ['quoted YAML', set('ConfigMap/vmselect', '/data/x', 'password: "hunter2"'), 'x: holds a literal secret'],
    ['YAML block', set('ConfigMap/vmselect', '/data/x', 'password: |\n  hunter2'), 'x: holds a literal secret'],
    ['JSON', set('ConfigMap/vmselect', '/data/x', '{"secretKey":1,"apiKey": "hunter2"}'), 'x: holds a literal secret'],
    ['bearer token', set('ConfigMap/vmselect', '/data/x', 'Authorization: Bearer abcdefgh'), 'holds a bearer token'],
    ['private key', set('ConfigMap/vmselect', '/data/x', '-----BEGIN EC PRIVATE KEY-----'), 'holds a private key'],
    [
      'webhook',
      set('ConfigMap/vmselect', '/data/x', 'url: https://hooks.slack.com/services/T0'),
      'holds a webhook with its secret',
    ],
  ],
  noSecrets: [
    [
      'a Secret',
      add({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'monitoring' } }),
      'Secret monitoring/x: a manifest must not hold a Secret',
    ],
  ],
  openedPorts: [
    ['other port', set('NetworkPolicy/vmselect', '/spec/ingress/0/ports/0/port', 1), 'opens 1/TCP'],
    ['other protocol', set('NetworkPolicy/vmselect', '/spec/ingress/0/ports/0/protocol', 'UDP'), 'opens 8481/UDP'],
    ['other name', set('NetworkPolicy/vmselect', '/spec/ingress/0/ports/0/port', 'web'), 'opens web/TCP'],
  ],
  neededFirst: [
    [
      'account',
      last('ServiceAccount/vminsert'),
      'Deployment monitoring/vminsert: comes before the ServiceAccount vminsert',
    ],
    ['files', last('ConfigMap/vmselect'), ...Array<string>(2).fill('comes before the ConfigMap vmselect')],
  ],
  neededTokens: [
    [
      'a token for nothing',
      set(INSERT, `${TEMPLATE}/automountServiceAccountToken`, true),
      'has a token and may do nothing',
    ],
    ['a token by default', set(INSERT, `${TEMPLATE}/automountServiceAccountToken`, undefined), 'has a token'],
    ['no token', set(SELECT, `${TEMPLATE}/automountServiceAccountToken`, false), 'and has no token'],
    ['no role', remove('RoleBinding/vmselect'), 'has a token', 'opens the way to the Kubernetes API'],
    ['no way', set('NetworkPolicy/vmselect', '/spec/egress/3', undefined), 'refuses the way'],
    [
      'a way for nothing',
      set('NetworkPolicy/vminsert', '/spec/egress/-', { ports: [{ port: 6443, protocol: 'TCP' }] }),
      'opens the way to the Kubernetes API, which it may not use',
    ],
    [
      'an account of another namespace',
      set('RoleBinding/vmselect', '/subjects/0/namespace', 'x'),
      'has a token',
      'opens the way',
    ],
  ],
  readingRoles: [
    ['writing', set('Role/vmselect', '/rules/0/verbs/-', 'delete'), 'allows to delete'],
    ['all verbs', set('Role/vmselect', '/rules/0/verbs', ['*']), 'allows to *'],
    ['all resources', set('Role/vmselect', '/rules/0/resources', ['*']), 'names everything as *'],
    ['all paths', set('Role/vmselect', '/rules/0/nonResourceURLs', ['/metrics/*']), 'names everything as /metrics/*'],
    ['Secrets', set('Role/vmselect', '/rules/0/resources/-', 'secrets'), 'shows Secrets'],
    ['nothing', set('Role/vmselect', '/rules', []), 'allows nothing'],
    [
      'a role of the cluster',
      add({ kind: 'ClusterRole', apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'x' } }),
      'ClusterRole x: allows nothing',
    ],
  ],
  resolvedBindings: [
    ['no role', remove('Role/vmselect'), 'there is no Role vmselect'],
    [
      'a role of another kind',
      set('RoleBinding/vmselect', '/roleRef/kind', 'ClusterRole'),
      'Role monitoring/vmselect: is bound to nobody',
      'there is no ClusterRole vmselect',
    ],
    ['no binding', remove('RoleBinding/vmselect'), 'is bound to nobody'],
    ['no pods', set('RoleBinding/vmselect', '/subjects/0/name', 'x'), 'no pods are the ServiceAccount monitoring/x'],
    ['a user', set('RoleBinding/vmselect', '/subjects/0/kind', 'User'), 'no pods are the User monitoring/vmselect'],
    ['nobody', set('RoleBinding/vmselect', '/subjects', []), 'binds nobody'],
  ],
  podHardening: [
    ['token', set(INSERT, `${TEMPLATE}/automountServiceAccountToken`, undefined), 'automountServiceAccountToken'],
    ['fsGroup', set(INSERT, `${TEMPLATE}/securityContext/fsGroupChangePolicy`, 'Always'), 'fsGroupChangePolicy'],
    ['root file system', context({ readOnlyRootFilesystem: false }), 'readOnlyRootFilesystem must be true'],
    [
      'init container',
      set(INSERT, `${TEMPLATE}/initContainers`, [EXTRA_CONTAINER]),
      'container extra: readOnlyRootFilesystem must be true',
    ],
  ],
  podSecurityRestricted: [
    ['host network', set(INSERT, `${TEMPLATE}/hostNetwork`, true), 'hostNetwork must not be true'],
    ['host processes', set(INSERT, `${TEMPLATE}/hostPID`, true), 'hostPID must not be true'],
    [
      'a namespace without a level',
      set('Namespace/monitoring', '/metadata/labels', {}),
      'StatefulSet monitoring/vmstorage: its namespace must enforce its level of Pod Security',
      'Deployment monitoring/vminsert: its namespace must enforce its level of Pod Security',
      'Deployment monitoring/vmselect: its namespace must enforce its level of Pod Security',
    ],
    [
      'the program that looks at its node, writing there, in a namespace of others',
      all(
        set(INSERT, '/spec/template/metadata/labels/app.kubernetes.io~1name', 'node-exporter'),
        set(INSERT, `${TEMPLATE}/hostNetwork`, true),
        set(INSERT, `${TEMPLATE}/volumes`, [{ name: 'root', hostPath: { path: '/' } }]),
        set(INSERT, `${CONTAINER}/volumeMounts`, [{ name: 'root', mountPath: '/host' }]),
      ),
      'its namespace must enforce its level of Pod Security',
      'volume root is of the type hostPath',
    ],
    ['host IPC', set(INSERT, `${TEMPLATE}/hostIPC`, true), 'hostIPC must not be true'],
    [
      'host path',
      set(SELECT, `${TEMPLATE}/volumes/-`, { name: 'x', hostPath: { path: '/' } }),
      'volume x is of the type hostPath',
    ],
    ['NFS', set(SELECT, `${TEMPLATE}/volumes/-`, { name: 'x', nfs: { server: 's', path: '/' } }), 'of the type nfs'],
    ['host port', set(INSERT, `${CONTAINER}/ports/0/hostPort`, 80), 'no hostPort'],
    ['sysctl', set(INSERT, `${TEMPLATE}/securityContext/sysctls`, [{ name: 'kernel.x', value: '1' }]), 'safe sysctls'],
    ['root', set(INSERT, `${TEMPLATE}/securityContext/runAsUser`, 0), 'vminsert: runAsUser must not be 0'],
    ['root in a container', context({ runAsUser: 0 }), 'container vminsert: runAsUser must not be 0'],
    ['any user', set(INSERT, `${TEMPLATE}/securityContext/runAsNonRoot`, undefined), 'runAsNonRoot must be true'],
    [
      'any user in a container',
      context({ runAsNonRoot: false }),
      'runAsNonRoot must be true',
      'runAsNonRoot must not be false',
    ],
    ['no seccomp', set(INSERT, `${TEMPLATE}/securityContext/seccompProfile`, undefined), 'a seccompProfile is needed'],
    ['seccomp off', context({ seccompProfile: { type: 'Unconfined' } }), 'seccompProfile.type must be'],
    ['AppArmor off', context({ appArmorProfile: { type: 'Unconfined' } }), 'appArmorProfile.type must be'],
    [
      'AppArmor off by annotation',
      set(
        INSERT,
        '/spec/template/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1x',
        'unconfined',
      ),
      'AppArmor must not be switched off',
    ],
    ['SELinux type', context({ seLinuxOptions: { type: 'spc_t' } }), 'seLinuxOptions'],
    ['SELinux user', context({ seLinuxOptions: { user: 'x' } }), 'seLinuxOptions'],
    ['Windows host process', context({ windowsOptions: { hostProcess: true } }), 'hostProcess must not be true'],
    ['privileged', context({ privileged: true }), 'privileged must not be true'],
    ['escalation', context({ allowPrivilegeEscalation: undefined }), 'allowPrivilegeEscalation must be false'],
    ['capabilities kept', context({ capabilities: { drop: ['NET_RAW'] } }), 'capabilities.drop must hold ALL'],
    ['capability', context({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }), 'NET_BIND_SERVICE only'],
    ['/proc', context({ procMount: 'Unmasked' }), 'procMount must be Default'],
    ['probe of a host', set(INSERT, `${CONTAINER}/readinessProbe/httpGet/host`, 'x'), 'must not name a host'],
    [
      'hook to a host',
      set(INSERT, `${CONTAINER}/lifecycle/preStop`, { httpGet: { port: 1, host: 'x' } }),
      'must not name a host',
    ],
    [
      'init container',
      set(INSERT, `${TEMPLATE}/initContainers`, [
        { ...EXTRA_CONTAINER, securityContext: { ...HARDENED, privileged: true } },
      ]),
      'container extra: privileged must not be true',
    ],
    [
      'second container',
      set(INSERT, `${TEMPLATE}/containers/-`, EXTRA_CONTAINER),
      'container extra: allowPrivilegeEscalation must be false',
      'container extra: capabilities.drop must hold ALL',
    ],
    [
      'ephemeral container',
      set(INSERT, `${TEMPLATE}/ephemeralContainers`, [EXTRA_CONTAINER]),
      'no ephemeral containers',
    ],
  ],
  reachableAddresses: [
    [
      'no Service',
      set(INSERT, `${CONTAINER}/args/-`, '-x=http://vmagent.monitoring.svc:8429/x'),
      'container vminsert: -x: vmagent.monitoring.svc:8429: there is no Service monitoring/vmagent',
    ],
    [
      'other namespace',
      set(INSERT, `${CONTAINER}/args/-`, '-x=vmselect.other.svc.cluster.local.:8481'),
      'there is no Service other/vmselect',
    ],
    ['other port', set(INSERT, `${CONTAINER}/args/-`, '-x=vmselect.monitoring.svc:1'), 'the Service has no port 1'],
    ['port of the scheme', set(INSERT, `${CONTAINER}/args/-`, '-x=https://vmselect.monitoring.svc/'), 'no port 443'],
    ['no port', set(INSERT, `${CONTAINER}/args/-`, '-x=vmselect.monitoring.svc'), 'names no port'],
    [
      'no pod of this ordinal',
      set(INSERT, `${CONTAINER}/args/-`, '-storageNode=vmstorage-3.vmstorage.monitoring.svc:8400'),
      'vmstorage-3.vmstorage.monitoring.svc:8400: there is no such pod',
    ],
    ['no pod name', set(INSERT, `${CONTAINER}/args/-`, '-x=x-0.vmselect.monitoring.svc:8481'), 'there is no such pod'],
    [
      'a headless Service does not map ports',
      all(
        set('Service/vmstorage', '/spec/ports/-', { port: 80, targetPort: 'http' }),
        set(INSERT, `${CONTAINER}/args/-`, '-x=vmstorage.monitoring.svc:80'),
      ),
      'no container of StatefulSet monitoring/vmstorage listens on it',
    ],
    [
      'refused by both sides',
      set(INSERT, `${CONTAINER}/args/-`, '-x=http://vmselect.monitoring.svc:8481'),
      'refuses egress to Deployment monitoring/vmselect on 8481/TCP',
      'refuses ingress from Deployment monitoring/vminsert on 8481/TCP',
    ],
    [
      'refused to the target of the port',
      all(
        set('Service/vmselect', '/spec/ports/0/port', 80),
        set(SELECT, `${CONTAINER}/args`, []),
        set('ConfigMap/vmselect', '/data/config.yml', 'http://vmselect.monitoring.svc'),
        set('NetworkPolicy/vmselect', '/spec/egress/1/ports/0/port', 80),
      ),
      'ConfigMap monitoring/vmselect: config.yml: vmselect.monitoring.svc:80: the NetworkPolicy of Deployment monitoring/vmselect refuses egress',
    ],
    [
      'variable',
      set(SELECT, `${CONTAINER}/env/-`, { name: 'X', value: 'http://x.monitoring.svc:1' }),
      'env X: x.monitoring.svc:1: there is no Service',
    ],
    ['DNS', set('NetworkPolicy/vminsert', '/spec/egress/1', undefined), 'its NetworkPolicy refuses DNS'],
    ['DNS over TCP', set('NetworkPolicy/vminsert', '/spec/egress/1/ports/1', undefined), 'refuses DNS'],
  ],
  readableNames: [
    ['dot', set('Service/vminsert', '/metadata/name', 'vm.insert'), 'the name is no DNS label'],
    ['hash', set('Service/vminsert', '/metadata/name', 'vminsert-c8a1b2c3'), 'the name ends with a hash'],
    ['64 characters', set('Service/vminsert', '/metadata/name', 'x'.repeat(64)), 'has 64 characters, not 63'],
    ['53 characters', set(STORAGE, '/metadata/name', 'x'.repeat(53)), 'has 53 characters, not 52'],
  ],
  realPeers: [
    ['no pods', set('NetworkPolicy/vminsert', '/spec/podSelector', selector('x')), 'vminsert: selects no pods'],
    ['ingress', set('NetworkPolicy/vmselect', '/spec/ingress/0/from/0/podSelector', selector('x')), 'an ingress peer'],
    ['egress', set('NetworkPolicy/vmselect', '/spec/egress/0/to/0/podSelector', selector('x')), 'an egress peer'],
    [
      'other namespace',
      set('NetworkPolicy/vmselect', '/spec/egress/0/to/0/namespaceSelector', selector('x')),
      'an egress peer selects no pods',
    ],
  ],
  replication: [
    ['alone', remove(SELECT), 'lacks a vminsert or a vmselect'],
    [
      'of another cluster',
      set(SELECT, '/spec/template/metadata/labels/app.kubernetes.io~1instance', 'x'),
      'lacks a vminsert or a vmselect',
    ],
    ['of another namespace', set(SELECT, '/metadata/namespace', 'x'), 'lacks a vminsert or a vmselect'],
    [
      'node not searched',
      set(SELECT, `${CONTAINER}/args/5`, '-storageNode=vmstorage-0.vmstorage.monitoring.svc:8401'),
      'does not search the vmstorage node vmstorage-1',
    ],
    [
      'too few nodes',
      set(INSERT, `${CONTAINER}/args/2`, '-storageNode=vmstorage-1.vmstorage.monitoring.svc:8400'),
      '2 copies of each sample need 3 vmstorage nodes',
    ],
    ['factors differ', set(SELECT, `${CONTAINER}/args/1`, '-replicationFactor=1'), '-replicationFactor differs'],
    ['intervals differ', set(SELECT, `${CONTAINER}/args/2`, '-x=1'), '-dedup.minScrapeInterval differs'],
    [
      'no deduplication',
      all(set(SELECT, `${CONTAINER}/args/2`, '-x=1'), set(STORAGE, `${CONTAINER}/args/0`, '-x=1')),
      'copies need -dedup.minScrapeInterval',
    ],
    ['budget', set('PodDisruptionBudget/vmstorage', '/spec/maxUnavailable', 2), 'lets all 2 copies be evicted'],
  ],
  resolvedReferences: [
    ['ServiceAccount', remove('ServiceAccount/vminsert'), 'there is no ServiceAccount vminsert'],
    ['ConfigMap', remove('ConfigMap/vmselect'), ...Array<string>(2).fill('there is no ConfigMap vmselect')],
    ['file', set('ConfigMap/vmselect', '/data/config.yml', undefined), 'the ConfigMap vmselect has no key config.yml'],
    ['variable', set('ConfigMap/vmselect', '/data/verbose', undefined), 'the ConfigMap vmselect has no key verbose'],
    [
      'claim',
      set(SELECT, `${TEMPLATE}/volumes/-`, { name: 'x', persistentVolumeClaim: { claimName: 'x' } }),
      'there is no PersistentVolumeClaim x',
    ],
    [
      'projected ConfigMap',
      set(SELECT, `${TEMPLATE}/volumes/-`, { name: 'x', projected: { sources: [{ configMap: { name: 'x' } }] } }),
      'there is no ConfigMap x',
    ],
    [
      'all variables',
      set(SELECT, `${CONTAINER}/envFrom`, [{ configMapRef: { name: 'x' } }]),
      'there is no ConfigMap x',
    ],
    [
      'ConfigMap of another namespace',
      set('ConfigMap/vmselect', '/metadata/namespace', 'x'),
      'no ConfigMap',
      'no ConfigMap',
    ],
  ],
  separateSelectors: [
    [
      'same labels',
      copy(INSERT, set(INSERT, '/metadata/name', 'second')),
      'Deployment monitoring/vminsert: selects the same pods as Deployment monitoring/second',
    ],
  ],
  servicePorts: [
    ['no pods', set('Service/vminsert', '/spec/selector', { x: 'y' }), 'Service monitoring/vminsert: selects no pods'],
    ['no selector', set('Service/vminsert', '/spec/selector', undefined), 'selects no pods'],
    ['other name', set('Service/vminsert', '/spec/ports/0/targetPort', 'web'), 'port 8480 leads to web/TCP'],
    ['other number', set('Service/vminsert', '/spec/ports/0/targetPort', 1), 'port 8480 leads to 1/TCP'],
    ['other protocol', set('Service/vminsert', '/spec/ports/0/protocol', 'UDP'), 'port 8480 leads to http/UDP'],
    [
      'the port itself is the target',
      set('Service/vminsert', '/spec/ports/0', { port: 80 }),
      'port 80 leads to 80/TCP, which no container of Deployment monitoring/vminsert has',
    ],
  ],
  singleBudgets: [
    [
      'second budget',
      copy('PodDisruptionBudget/vminsert', set('PodDisruptionBudget/vminsert', '/metadata/name', 'second')),
      'has more than one PodDisruptionBudget',
    ],
  ],
  spreadStorage: [
    ['hosts', set(STORAGE, `${TEMPLATE}/affinity`, undefined), 'not spread over kubernetes.io/hostname'],
    ['zones', set(STORAGE, `${TEMPLATE}/topologySpreadConstraints/0/topologyKey`, 'x'), 'topology.kubernetes.io/zone'],
    [
      'other pods',
      set(STORAGE, `${TEMPLATE}/topologySpreadConstraints/0/labelSelector`, selector('x')),
      'not spread over topology.kubernetes.io/zone',
    ],
    [
      'apart from other pods',
      set(STORAGE, ANTI_AFFINITY, [{ topologyKey: 'kubernetes.io/hostname', labelSelector: selector('x') }]),
      'not spread over kubernetes.io/hostname',
    ],
    [
      'no selector counts no pods',
      set(STORAGE, `${TEMPLATE}/topologySpreadConstraints/0/labelSelector`, undefined),
      'not spread over topology.kubernetes.io/zone',
    ],
  ],
  stableSelectors: [
    [
      'version',
      all(
        set(INSERT, '/spec/selector/matchLabels/app.kubernetes.io~1version', 'v1'),
        set(INSERT, '/spec/template/metadata/labels/app.kubernetes.io~1version', 'v1'),
      ),
      'not by exactly',
    ],
    ['too little', set(INSERT, '/spec/selector/matchLabels/app.kubernetes.io~1name', undefined), 'not by exactly'],
    [
      'expression',
      set(INSERT, '/spec/selector/matchExpressions', [{ key: 'x', operator: 'Exists' }]),
      'not by exactly',
    ],
    [
      'other labels',
      set(INSERT, '/spec/selector/matchLabels/app.kubernetes.io~1name', 'x'),
      'do not have the label app.kubernetes.io/name=x',
    ],
  ],
  statedResources: [
    ['CPU', set(INSERT, `${CONTAINER}/resources/requests/cpu`, undefined), 'requests no cpu'],
    ['memory', set(INSERT, `${CONTAINER}/resources/requests/memory`, undefined), 'requests no memory'],
    ['memory limit', set(INSERT, `${CONTAINER}/resources/limits`, undefined), 'has no memory limit'],
    ['limit below', set(INSERT, `${CONTAINER}/resources/limits/memory`, '32Mi'), 'requests more memory than its limit'],
    [
      'init container',
      set(INSERT, `${TEMPLATE}/initContainers`, [EXTRA_CONTAINER]),
      'container extra requests no cpu',
      'container extra requests no memory',
      'container extra has no memory limit',
    ],
  ],
  storedData: [
    ['kind', set(STORAGE, '/kind', 'Deployment'), 'must be a StatefulSet'],
    [
      'one after the other',
      set(STORAGE, '/spec/podManagementPolicy', undefined),
      'podManagementPolicy must be Parallel',
    ],
    ['deleted', set(STORAGE, '/spec/persistentVolumeClaimRetentionPolicy/whenScaled', 'Delete'), 'must be Retain'],
    ['not said', set(STORAGE, '/spec/persistentVolumeClaimRetentionPolicy', undefined), 'must be Retain'],
    ['liveness', set(STORAGE, `${CONTAINER}/livenessProbe`, { tcpSocket: { port: 1 } }), 'has a livenessProbe'],
    ['grace', set(STORAGE, `${TEMPLATE}/terminationGracePeriodSeconds`, 59), 'must be 60 at least'],
    ['default grace', set(STORAGE, `${TEMPLATE}/terminationGracePeriodSeconds`, undefined), 'must be 60 at least'],
    ['addresses', set('Service/vmstorage', '/spec/publishNotReadyAddresses', undefined), 'that are not ready'],
    [
      'single node',
      all(
        set(STORAGE, '/spec/template/metadata/labels/app.kubernetes.io~1name', 'vmsingle'),
        set(STORAGE, '/spec/podManagementPolicy', 'OrderedReady'),
      ),
      'podManagementPolicy must be Parallel',
    ],
  ],
  uniqueNames: [
    ['twice', copy('Service/vminsert', set('Service/vminsert', '/spec', {})), 'Service monitoring/vminsert of core'],
    ['another version', copy(INSERT, set(INSERT, '/apiVersion', 'apps/v1beta1')), 'vminsert of apps: is there twice'],
  ],
  zeroDowntime: [
    ['maxUnavailable', set(INSERT, '/spec/strategy/rollingUpdate/maxUnavailable', 1), 'maxUnavailable must be 0'],
    ['default of 25%', set(INSERT, '/spec/strategy', undefined), 'maxUnavailable must be 0'],
    ['no delay', set(INSERT, `${CONTAINER}/args/0`, '-x=1'), '-http.shutdownDelay must be set'],
    ['delay of 0', set(SELECT, `${CONTAINER}/args/0`, '-http.shutdownDelay=0s'), '-http.shutdownDelay must be set'],
    ['delay too long', set(SELECT, `${CONTAINER}/args/0`, '-http.shutdownDelay=1m'), 'below terminationGracePeriod'],
    ['readiness', set(INSERT, `${CONTAINER}/readinessProbe`, undefined), 'needs a readinessProbe'],
    ['budget', remove('PodDisruptionBudget/vmselect'), 'vmselect: needs a PodDisruptionBudget'],
    [
      'budget of other pods',
      set('PodDisruptionBudget/vmselect', '/spec/selector', selector('x')),
      'vmselect: needs a PodDisruptionBudget',
    ],
    [
      'delay as long as the grace period',
      all(
        set(SELECT, `${TEMPLATE}/terminationGracePeriodSeconds`, 60),
        set(SELECT, `${CONTAINER}/args/0`, '-http.shutdownDelay=1m'),
      ),
      'below terminationGracePeriod',
    ],
  ],
};

test('every policy is proved able to fail', () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(POLICIES).sort());
});

describe.each(Object.entries(POLICIES))('%s', (name, policy) => {
  test('accepts good objects', () => {
    expect(policy(sampleCluster())).toEqual([]);
  });

  test.each(CASES[name] ?? [])('refuses: %s', (_what, change, ...violations) => {
    expect(violationsOf(policy, change).sort()).toEqual(violations.sort().map((part) => expect.stringContaining(part)));
  });
});

describe('what is right is not refused', () => {
  const right: Readonly<Record<string, [policy: string, change: Change]>> = {
    'hosts spread by a preference': [
      'spreadStorage',
      all(
        set(STORAGE, ANTI_AFFINITY, undefined),
        set(STORAGE, `${TEMPLATE}/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution`, [
          {
            weight: 1,
            podAffinityTerm: {
              topologyKey: 'kubernetes.io/hostname',
              labelSelector: selector('vmstorage'),
            },
          },
        ]),
      ),
    ],
    'a target port by number': ['servicePorts', set('Service/vminsert', '/spec/ports/0/targetPort', 8480)],
    'a second protocol on a port': [
      'kubernetesSchema',
      set(INSERT, `${CONTAINER}/ports/-`, { name: 'udp', containerPort: 8480, protocol: 'UDP' }),
    ],
    'no CPU at all': ['kubernetesSchema', set(INSERT, `${CONTAINER}/resources/requests/cpu`, '0')],
    'a mebibyte': ['kubernetesSchema', set(INSERT, `${CONTAINER}/resources/requests/memory`, '1Mi')],
    'a date': ['kubernetesSchema', set(INSERT, '/metadata/creationTimestamp', '2026-01-01T00:00:00Z')],
    base64: ['kubernetesSchema', set('ConfigMap/vmselect', '/binaryData/x', 'aGk=')],
    'an autoscaler with equal bounds': ['autoscalers', set('HorizontalPodAutoscaler/vminsert', '/spec/minReplicas', 4)],
    'a StatefulSet with a name of 52 characters': ['readableNames', set(STORAGE, '/metadata/name', 'x'.repeat(52))],
    'a Service with a name of 63 characters': [
      'readableNames',
      set('Service/vminsert', '/metadata/name', 'x'.repeat(63)),
    ],
    'CPU without unit': ['kubernetesSchema', set(INSERT, `${CONTAINER}/resources/requests/cpu`, '2')],
    'a port by name': ['bothSidesAgree', set('NetworkPolicy/vmselect', '/spec/ingress/0/ports/0/port', 'http')],
    'a range of ports': [
      'reachableAddresses',
      set('NetworkPolicy/vminsert', '/spec/egress/0/ports/0', { port: 8000, endPort: 9000 }),
    ],
    'all ports': ['reachableAddresses', set('NetworkPolicy/vminsert', '/spec/egress/0/ports', undefined)],
    'all destinations': ['reachableAddresses', set('NetworkPolicy/vminsert', '/spec/egress', [{}])],
    'a namespace by name': [
      'bothSidesAgree',
      set('NetworkPolicy/vmselect', '/spec/ingress/0/from/0/namespaceSelector', {
        matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' },
      }),
    ],
    'a block of addresses': [
      'realPeers',
      set('NetworkPolicy/vminsert', '/spec/egress/1/to/-', { ipBlock: { cidr: '::/0' } }),
    ],
    'an address with the domain of the cluster': [
      'reachableAddresses',
      set(SELECT, `${CONTAINER}/args/-`, '-x=vmselect.monitoring.svc.cluster.local.:8481'),
    ],
    'an address elsewhere': ['reachableAddresses', set(SELECT, `${CONTAINER}/args/-`, '-x=https://example.com/svc')],
    'the first ordinal': [
      'reachableAddresses',
      all(
        set(STORAGE, '/spec/ordinals', { start: 1 }),
        set(INSERT, `${CONTAINER}/args/2`, '-storageNode=vmstorage-3.vmstorage.monitoring.svc:8400'),
        set(SELECT, `${CONTAINER}/args/4`, '-storageNode=vmstorage-3.vmstorage.monitoring.svc:8401'),
      ),
    ],
    'an optional ConfigMap': [
      'resolvedReferences',
      set(SELECT, `${CONTAINER}/envFrom`, [{ configMapRef: { name: 'x', optional: true } }]),
    ],
    'the capability to bind low ports': [
      'podSecurityRestricted',
      context({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
    ],
    'seccomp and user of the container': [
      'podSecurityRestricted',
      all(
        set(INSERT, `${TEMPLATE}/securityContext`, undefined),
        context({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }),
      ),
    ],
    'a budget in percent': ['disruptionBudgets', set('PodDisruptionBudget/vmstorage', '/spec/maxUnavailable', '1%')],
    'a list in a flag': ['knownFlags', set(INSERT, `${CONTAINER}/args/-`, '-storageNode=a')],
    'a flag without value': ['knownFlags', set(INSERT, `${CONTAINER}/args/-`, '-tls')],
    'a name with digits': ['readableNames', set('Service/vminsert', '/metadata/name', 'vminsert-2026')],
  };

  test.each(Object.entries(right))('%s', (_what, [name, change]) => {
    expect(violationsOf(POLICIES[name]!, change)).toEqual([]);
  });

  test.each([
    'password_file: /etc/secrets/password',
    'password: %{PASSWORD}',
    'password: ${PASSWORD}',
    'password: <secret>',
    'password: ""',
    'password:\nusername: x',
    '"secureJsonData": {"token": "$__file{/etc/secrets/token}"}',
    'Authorization: Bearer %{TOKEN}',
    'https://user:%{PASSWORD}@example.com',
    'https://example.com:8080/x@y',
  ])('%j holds no secret', (text) => {
    expect(violationsOf(POLICIES.noSecretLiterals!, set('ConfigMap/vmselect', '/data/x', text))).toEqual([]);
  });
});

test('a violation does not tell the secret', () => {
  const spoil = all(
    set(INSERT, `${CONTAINER}/args/-`, '-pprofAuthKey=hunter2'),
    set(INSERT, `${CONTAINER}/args/-`, 'password=hunter2'),
    set(SELECT, `${CONTAINER}/env/-`, { name: 'PASSWORD', value: 'token: hunter2' }),
    set('ConfigMap/vmselect', '/data/x', 'password: hunter2'),
  );
  const violations = violationsOf(POLICIES.noSecretLiterals!, spoil);
  expect(violations).toHaveLength(6);
  expect(violations.join('\n')).not.toContain('hunter2');
});

test('CPU limits are where they are asked for, and nowhere else', () => {
  const limit = set(INSERT, `${CONTAINER}/resources/limits/cpu`, '1');
  expect(violationsOf(cpuLimitsOnlyOn(['vminsert']), limit)).toEqual([]);
  expect(violationsOf(cpuLimitsOnlyOn([]), limit)).toEqual([
    'Deployment monitoring/vminsert: container vminsert must not have a CPU limit',
  ]);
  expect(cpuLimitsOnlyOn(['vminsert'])(sampleCluster())).toEqual([
    'Deployment monitoring/vminsert: container vminsert must have a CPU limit',
  ]);
});

test('the requests of all replicas, at the most, are below what there is', () => {
  // 3 vmstorage, 4 vminsert at the most, 2 vmselect
  const [cpu, memory] = [9 * 0.05, 9 * 64 * MEBIBYTE];
  expect(fitsOn({ cpu: cpu + 0.01, memory: memory + 1 })(sampleCluster())).toEqual([]);
  expect(fitsOn({ cpu: cpu - 0.01, memory })(sampleCluster())).toEqual([
    expect.stringMatching(/of cpu, and there is/),
    `all pods request ${memory} of memory, and there is ${memory}`,
  ]);
});

test('the Secrets that pods need are listed', () => {
  const objects = sampleCluster();
  all(
    set(INSERT, `${TEMPLATE}/imagePullSecrets`, [{ name: 'registry' }]),
    set(INSERT, `${CONTAINER}/env`, [{ name: 'X', valueFrom: { secretKeyRef: { name: 'env', key: 'x' } } }]),
    set(INSERT, `${CONTAINER}/envFrom`, [{ secretRef: { name: 'all' } }]),
    set(INSERT, `${TEMPLATE}/volumes`, [
      { name: 'x', projected: { sources: [{ secret: { name: 'projected', items: [{ key: 'k', path: 'k' }] } }] } },
    ]),
  )(objects);
  expect(secretReferences(objects)).toEqual([
    'monitoring/all',
    'monitoring/auth/password',
    'monitoring/env/x',
    'monitoring/projected/k',
    'monitoring/registry',
  ]);
});

test.each([
  ['384', 384],
  ['1.5', 1.5],
  ['.5Gi', 0.5 * GIBIBYTE],
  ['96Mi', 96 * MEBIBYTE],
  ['2Ki', 2048],
  ['1Ei', 1024 ** 6],
  ['250m', 0.25],
  ['5k', 5000],
  ['1E', 1e18],
  ['1e3', 1000],
  ['1E-3', 0.001],
  ['-1', -1],
  ['', undefined],
  ['10GiB', undefined],
  ['1K', undefined],
  ['1.5.5', undefined],
  ['Mi', undefined],
])('the quantity %j is %p', (text, amount) => {
  expect(parseQuantity(text)).toBe(amount);
});

test.each([
  [{}, true],
  [{ matchLabels: { a: '1' } }, true],
  [{ matchLabels: { a: '1', b: '1' } }, false],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, true],
  [{ matchExpressions: [{ key: 'b', operator: 'In', values: ['1'] }] }, false],
  [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, false],
  [{ matchExpressions: [{ key: 'b', operator: 'NotIn', values: ['1'] }] }, true],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, true],
  [{ matchExpressions: [{ key: 'b', operator: 'Exists' }] }, false],
  [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, false],
  [{ matchExpressions: [{ key: 'b', operator: 'DoesNotExist' }] }, true],
])('the selector %j selects a=1: %p', (labelSelector, expected) => {
  expect(matches(labelSelector, { a: '1' })).toBe(expected);
});

test('manifests are read as Kubernetes reads them', () => {
  expect(parseManifests('a: yes\n---\na: "yes"\nmode: 0644\n')).toEqual([{ a: true }, { a: 'yes', mode: 0o644 }]);
  expect(() => parseManifests('a: 1\na: 2\n')).toThrow('Map keys must be unique');
});
