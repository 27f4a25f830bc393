import { ApiObject, JsonPatch, Lazy } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Problems } from '../validation';
import { covers, joinRules, type ApiAccess, type ApiRule } from './kubernetes-api';
import type { Labels } from './labels';

/** The ServiceAccount that is allowed something. */
export interface Account {
  readonly name: string;
  readonly namespace: string | undefined;
  /** Whether the user brought it, and so grants it what it needs. */
  readonly given: boolean;
}

/** Where rules of the whole cluster are kept. */
const CLUSTER = Symbol('cluster');

type Reach = typeof CLUSTER | string | undefined;

/** What pods may do with the Kubernetes API: a Role in each namespace, a ClusterRole for what belongs to none or to all. */
export class ApiPermissions {
  private readonly rules = new Map<Reach, ApiRule[]>();
  private asked = false;

  public constructor(
    private readonly scope: Construct,
    private readonly account: Account,
    private readonly labels: Labels,
    private readonly problems: Problems,
  ) {}

  /** Whether the pods need a token. */
  public get used(): boolean {
    return this.asked;
  }

  /** Allows the pods something; what they may do in the whole cluster is not said again for a namespace. */
  public grant({ rules, namespaces }: ApiAccess): void {
    if (rules.length === 0) return;
    this.asked = true;
    if (this.account.given) return;
    const own = this.account.namespace;
    if (namespaces === undefined) this.removeWhatIsCoveredBy(rules);
    for (const reach of new Set<Reach>(namespaces?.map((namespace) => namespace ?? own) ?? [CLUSTER])) {
      const everywhere = reach === CLUSTER ? [] : (this.rules.get(CLUSTER) ?? []);
      const added = rules.filter((rule) => !covers(everywhere, rule));
      if (added.length === 0) continue;
      const known = this.rules.get(reach);
      if (known) known.push(...added);
      else this.make(reach, [...added]);
    }
  }

  private removeWhatIsCoveredBy(everywhere: readonly ApiRule[]): void {
    const ofCluster = [...(this.rules.get(CLUSTER) ?? []), ...everywhere];
    for (const [reach, rules] of this.rules) {
      if (reach === CLUSTER) continue;
      const left = rules.filter((rule) => !covers(ofCluster, rule));
      rules.splice(0, rules.length, ...left);
      if (left.length > 0) continue;
      this.rules.delete(reach);
      for (const id of this.idsOf(reach)) this.scope.node.tryRemoveChild(id);
    }
  }

  /** The ids of the role and of its binding. */
  private idsOf(reach: Reach): [role: string, binding: string] {
    if (reach === CLUSTER) return ['ClusterRole', 'ClusterRoleBinding'];
    return reach === this.account.namespace ? ['Role', 'RoleBinding'] : [`Role-${reach}`, `RoleBinding-${reach}`];
  }

  private make(reach: Reach, rules: ApiRule[]): void {
    this.rules.set(reach, rules);
    const { account, problems } = this;
    const foreign = reach !== account.namespace;
    problems.when(foreign && account.namespace === undefined, {
      prop: 'namespace',
      value: undefined,
      rule: 'the pods read the Kubernetes API beyond their own namespace, and what allows it must name the namespace of their ServiceAccount',
      fix: 'set `namespace` on the chart',
    });
    const ofCluster = reach === CLUSTER;
    const kind = ofCluster ? 'ClusterRole' : 'Role';
    // Names of namespaces have no colon, so that no two accounts can have the same.
    const name = foreign && account.namespace !== undefined ? `${account.namespace}:${account.name}` : account.name;
    const metadata = { name, labels: this.labels, namespace: ofCluster ? undefined : reach };
    const [roleId, bindingId] = this.idsOf(reach);
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const role = new ApiObject(this.scope, roleId, {
      apiVersion,
      kind,
      metadata,
      rules: Lazy.any({ produce: () => joinRules(rules) }) as unknown,
    });
    const binding = new ApiObject(this.scope, bindingId, {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
      subjects: [{ kind: 'ServiceAccount', name: account.name, namespace: account.namespace }],
    });
    // cdk8s gives the namespace of the chart to every object, and takes none for an answer only from a patch.
    if (ofCluster && account.namespace !== undefined) {
      for (const object of [role, binding]) object.addJsonPatch(JsonPatch.remove('/metadata/namespace'));
    }
  }
}
