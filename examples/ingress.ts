/** Clients outside of the Kubernetes cluster: an Ingress for queries and writes, and a Gateway for writes alone. */
import { App, Chart, Duration, Size } from 'cdk8s';
import { EndpointHttpRoute, EndpointIngress, SecretRef, Tenant, VmAuth, VmCluster } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume: { size: Size.gibibytes(100) } } });

const auth = new VmAuth(chart, 'gateway', {
  users: {
    grafana: { password: SecretRef.of('vmauth-users', 'grafana'), routes: [cluster.read(Tenant.of(1))] },
    shop: { bearerToken: SecretRef.of('vmauth-users', 'shop'), routes: [cluster.write(Tenant.of(1))] },
  },
});

// The users query and write at https://metrics.example.com; TLS ends at the Ingress controller.
new EndpointIngress(chart, 'public', {
  host: 'metrics.example.com',
  endpoints: [auth.read('grafana'), auth.write('shop')],
  tls: { secretName: 'metrics-example-com' },
  ingressClassName: 'nginx',
  annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' },
  from: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
});

// Writing only, through a Gateway that other namespaces share; TLS ends at its listener `https`.
new EndpointHttpRoute(chart, 'write', {
  host: 'write.example.com',
  endpoints: [auth.write('shop')],
  parentRefs: [{ name: 'shared', namespace: 'gateways', sectionName: 'https' }],
  requestTimeout: Duration.minutes(1),
  from: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'gateways' } } },
});

app.synth();
