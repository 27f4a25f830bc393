import type { Manifest } from './manifest';

const NAMESPACE = 'monitoring';

interface Component {
  readonly name: 'vminsert' | 'vmselect' | 'vmstorage';
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly ports: Readonly<Record<string, number>>;
  readonly args: readonly string[];
  readonly ingress?: readonly object[];
  readonly egress?: readonly object[];
  /** Beside what all components have. */
  readonly service?: object;
  readonly spec?: object;
  readonly pod?: object;
  readonly container?: object;
}

/** A small cluster that obeys every policy, written by hand so that a change of the library does not change it. */
export function sampleCluster(): Manifest[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'vmselect', namespace: NAMESPACE },
      data: {
        'config.yml':
          'url: http://vmselect.monitoring.svc:8481/select/0/prometheus\npassword_file: /etc/secrets/auth/password\n',
        verbose: 'true',
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'default-deny', namespace: NAMESPACE },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'vmselect', namespace: NAMESPACE },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'vmselect', namespace: NAMESPACE },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'vmselect' },
      subjects: [{ kind: 'ServiceAccount', name: 'vmselect', namespace: NAMESPACE }],
    },
    ...component({
      name: 'vmstorage',
      kind: 'StatefulSet',
      ports: { http: 8482, vminsert: 8400, vmselect: 8401 },
      args: ['-dedup.minScrapeInterval=1ms', '-storageDataPath=/storage'],
      ingress: [allow('from', 'vminsert', 8400), allow('from', 'vmselect', 8401)],
      service: { clusterIP: 'None', publishNotReadyAddresses: true },
      spec: {
        replicas: 3,
        serviceName: 'vmstorage',
        podManagementPolicy: 'Parallel',
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
          },
        ],
      },
      pod: {
        terminationGracePeriodSeconds: 60,
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels('vmstorage') } },
            ],
          },
        },
        topologySpreadConstraints: [
          {
            topologyKey: 'topology.kubernetes.io/zone',
            maxSkew: 1,
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: labels('vmstorage') },
          },
        ],
      },
      container: { volumeMounts: [{ name: 'data', mountPath: '/storage' }] },
    }),
    ...component({
      name: 'vminsert',
      kind: 'Deployment',
      ports: { http: 8480 },
      args: ['-http.shutdownDelay=10s', '-replicationFactor=2', ...storageNodes(8400)],
      egress: [allow('to', 'vmstorage', 8400), DNS],
      spec: { strategy: ROLLING_UPDATE },
    }),
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'vminsert', namespace: NAMESPACE },
      spec: {
        minReplicas: 2,
        maxReplicas: 4,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'vminsert' },
      },
    },
    ...component({
      name: 'vmselect',
      kind: 'Deployment',
      ports: { http: 8481 },
      args: [
        '-http.shutdownDelay=10s',
        '-replicationFactor=2',
        '-dedup.minScrapeInterval=1ms',
        '-httpAuth.password=file:///etc/secrets/auth/password',
        ...storageNodes(8401),
        '-vmalert.proxyURL=http://vmselect.monitoring.svc:8481',
      ],
      ingress: [allow('from', 'vmselect', 8481)],
      egress: [
        allow('to', 'vmstorage', 8401),
        allow('to', 'vmselect', 8481),
        DNS,
        { ports: [443, 6443].map((port) => ({ port, protocol: 'TCP' })) },
      ],
      spec: { replicas: 2, strategy: ROLLING_UPDATE },
      pod: {
        automountServiceAccountToken: true,
        volumes: [
          { name: 'config', configMap: { name: 'vmselect', items: [{ key: 'config.yml', path: 'config.yml' }] } },
          { name: 'auth', secret: { secretName: 'auth', items: [{ key: 'password', path: 'password' }] } },
        ],
      },
      container: {
        env: [{ name: 'VERBOSE', valueFrom: { configMapKeyRef: { name: 'vmselect', key: 'verbose' } } }],
        volumeMounts: [
          { name: 'config', mountPath: '/etc/config' },
          { name: 'auth', mountPath: '/etc/secrets/auth' },
        ],
      },
    }),
  ];
}

const ROLLING_UPDATE = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

const DNS = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

function labels(name: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': 'sample',
    'app.kubernetes.io/component': name.slice(2),
  };
}

function allow(side: 'from' | 'to', name: string, port: number): object {
  return { [side]: [{ podSelector: { matchLabels: labels(name) } }], ports: [{ port, protocol: 'TCP' }] };
}

function storageNodes(port: number): string[] {
  return [0, 1, 2].map((ordinal) => `-storageNode=vmstorage-${ordinal}.vmstorage.monitoring.svc:${port}`);
}

function component({ name, kind, ports, args, ingress = [], egress = [], ...extra }: Component): Manifest[] {
  const metadata = { name, namespace: NAMESPACE };
  const matchLabels = labels(name);
  const container = {
    name,
    image: `docker.io/victoriametrics/${name}:v1.150.0-cluster`,
    args,
    ports: Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort, protocol: 'TCP' })),
    readinessProbe: { httpGet: { path: '/health', port: 'http' } },
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    ...extra.container,
  };
  const pod = {
    automountServiceAccountToken: false,
    containers: [container],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65534,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    serviceAccountName: name,
    ...extra.pod,
  };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    {
      apiVersion: 'apps/v1',
      kind,
      metadata,
      spec: { selector: { matchLabels }, template: { metadata: { labels: matchLabels }, spec: pod }, ...extra.spec },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: matchLabels,
        ports: Object.entries(ports).map(([port, number]) => ({ name: port, port: number, targetPort: port })),
        ...extra.service,
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels } },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: { podSelector: { matchLabels }, policyTypes: ['Ingress', 'Egress'], ingress, egress },
    },
  ].map((object) => unshared(object) as Manifest);
}

/** Labels are written once and used in several places; a change of one place must not show in the others. */
function unshared(object: object): unknown {
  return JSON.parse(JSON.stringify(object));
}
