/** A gate in front of a cluster: users with a password or a token, each with the tenant and the paths that are theirs. */
import { App, Chart, Size } from 'cdk8s';
import { SecretRef, Tenant, VmAuth, VmCluster } from '../src';

const app = new App({ outdir: process.env.CDK8S_OUTDIR ?? 'dist-examples' });
const chart = new Chart(app, 'monitoring', { namespace: 'monitoring' });

const cluster = new VmCluster(chart, 'metrics', {
  replicationFactor: 2,
  vmstorage: { replicas: 3, volume: { size: Size.gibibytes(100) } },
});

const auth = new VmAuth(chart, 'gateway', {
  users: {
    // Sees tenant 1, by the query API and at /vmui/.
    grafana: { password: SecretRef.of('vmauth-users', 'grafana'), routes: [cluster.read(Tenant.of(1))] },
    // Writes to tenant 1 by any protocol over HTTP.
    shop: {
      bearerToken: SecretRef.of('vmauth-users', 'shop'),
      routes: [cluster.write(Tenant.of(1))],
      maxConcurrentRequests: 50,
    },
    // Both, of tenant 2, and queries below a path of its own as well.
    payments: {
      bearerToken: SecretRef.of('vmauth-users', 'payments'),
      routes: [
        { to: cluster.read(Tenant.of(2)), srcPaths: ['/payments/api/v1/query'], dropSrcPathPrefixParts: 1 },
        cluster.read(Tenant.of(2)),
        cluster.write(Tenant.of(2)),
      ],
    },
  },
});

// What a client needs: the URL, and the credentials of the user.
auth.write('shop').allowFrom({ podSelector: { matchLabels: { app: 'shop' } } });
auth.read('grafana').allowFrom({ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'grafana' } } });

app.synth();
