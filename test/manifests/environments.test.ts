import { inClusterAddresses } from './addresses';
import { synthesizedEnvironments } from './environments';
import { workloads, type Policy } from './manifest';
import { POLICIES } from './policies';
import { GIBIBYTE } from './quantity';
import { secretReferences } from './references';
import { cpuLimitsOnlyOn, fitsOn } from './resources';

/** What is special about an environment. */
interface Expectations {
  /** Containers whose CPU limit stands in the values of the environment. @default - none */
  readonly cpuLimited?: readonly string[];
  /** The Secrets that must be made before the environment is applied. @default - none */
  readonly secrets?: readonly string[];
  /** @default - none */
  readonly policies?: Readonly<Record<string, Policy>>;
}

const EXPECTATIONS: Readonly<Record<string, Expectations>> = {
  kind: { policies: { 'fits on a laptop': fitsOn({ cpu: 2, memory: 4 * GIBIBYTE }) } },
  production: {
    secrets: [
      'monitoring/alertmanager/slack-webhook-url',
      'monitoring/alertmanager/watchdog-url',
      'monitoring/grafana/admin-password',
      'monitoring/grafana/secret-key',
      'monitoring/vmauth-users/reader',
      'monitoring/vmauth-users/writer',
    ],
  },
  'single-node': {
    cpuLimited: ['vmsingle'],
    secrets: [
      'monitoring/alertmanager/smtp-password',
      'monitoring/alertmanager/watchdog-url',
      'monitoring/grafana/admin-password',
    ],
  },
};

const environments = synthesizedEnvironments();

test('every environment has its expectations', () => {
  expect(environments.map(([name]) => name).sort()).toEqual(Object.keys(EXPECTATIONS).sort());
});

describe.each(environments)('%s', (name, objects) => {
  const { cpuLimited = [], secrets = [], policies = {} } = EXPECTATIONS[name] ?? {};

  test.each(Object.entries({ ...POLICIES, cpuLimits: cpuLimitsOnlyOn(cpuLimited), ...policies }))(
    '%s',
    (_policy, violations) => {
      expect(violations(objects)).toEqual([]);
    },
  );

  test('needs no Secrets but the known ones', () => {
    expect(secretReferences(objects)).toEqual(secrets);
  });

  test('has pods, and a cluster has addresses, for the policies to judge', () => {
    const all = workloads(objects);
    expect(all).not.toHaveLength(0);
    for (const workload of all.filter(({ program }) => program === 'vminsert' || program === 'vmselect')) {
      expect(inClusterAddresses(workload, objects)).not.toHaveLength(0);
    }
  });
});
