import type { Size } from 'cdk8s';
import type { ContainerResources } from 'cdk8s-plus-28';
import { instance, kibibytes, object, size, type Check, type Problems, type Shape } from '../validation';
import type { Container } from './kubernetes';

type Cpu = NonNullable<NonNullable<ContainerResources['cpu']>['request']>;

const cpu: Check = instance('Cpu', 'amount', 'Cpu.millis(500)');

const SHAPE: Shape<ContainerResources> = {
  cpu: object<NonNullable<ContainerResources['cpu']>>({ request: cpu, limit: cpu }),
  memory: object<NonNullable<ContainerResources['memory']>>({ request: size, limit: size }),
  ephemeralStorage: object<NonNullable<ContainerResources['ephemeralStorage']>>({ request: size, limit: size }),
};

export const resourcesCheck: Check = object(SHAPE);

/** No request may be above its limit. @param prop where the user can change them */
export function checkLimits(resources: ContainerResources, prop: string, problems: Problems): void {
  for (const [name, amounts] of [
    ['cpu', amountsOf(resources.cpu, millicores)],
    ['memory', amountsOf(resources.memory, kibibytes)],
    ['ephemeralStorage', amountsOf(resources.ephemeralStorage, kibibytes)],
  ] as const) {
    problems.when(amounts !== undefined && amounts.request > amounts.limit, {
      prop: `${prop}.${name}.request`,
      value: quantityOf(resources[name]?.request),
      rule: `a request must not be above its limit (${quantityOf(resources[name]?.limit)})`,
      fix: `raise \`${prop}.${name}.limit\` or lower the request`,
    });
  }
}

function amountsOf<T>(
  pair: { readonly request?: T; readonly limit?: T } | undefined,
  amount: (value: T) => number,
): { request: number; limit: number } | undefined {
  if (!pair?.request || !pair.limit) return undefined;
  return { request: amount(pair.request), limit: amount(pair.limit) };
}

function millicores(value: Cpu): number {
  return value.amount.endsWith('m') ? Number(value.amount.slice(0, -1)) : Number(value.amount) * 1000;
}

function quantityOf(value: Cpu | Size | undefined): string | undefined {
  if (value === undefined) return undefined;
  // A Size has an amount as well, but without its unit.
  return 'asString' in value ? value.asString() : value.amount;
}

/** The user's amounts over the component's, amount by amount. */
export function mergeResources(defaults: ContainerResources, given: ContainerResources = {}): ContainerResources {
  return {
    cpu: { ...defaults.cpu, ...given.cpu },
    memory: { ...defaults.memory, ...given.memory },
    ephemeralStorage: { ...defaults.ephemeralStorage, ...given.ephemeralStorage },
  };
}

export function renderResources(resources: ContainerResources): Container['resources'] {
  const amounts = (side: 'request' | 'limit'): Record<string, string> | undefined => {
    const all: [string, string | undefined][] = [
      ['cpu', quantityOf(resources.cpu?.[side])],
      ['memory', quantityOf(resources.memory?.[side])],
      ['ephemeral-storage', quantityOf(resources.ephemeralStorage?.[side])],
    ];
    const given = all.filter((entry): entry is [string, string] => entry[1] !== undefined);
    return given.length > 0 ? Object.fromEntries(given) : undefined;
  };
  return { requests: amounts('request'), limits: amounts('limit') };
}
