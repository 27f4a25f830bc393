import { escapeExpansion, LIBRARY } from '../flags';
import { hideUrlSecrets, inTheClear, namesSecret, type Problem, type Problems } from '../validation';
import type { SecretRef } from '../values';
import type { EnvVar } from '../workload';
import { fromFile } from './secrets';

type Scalar = string | number | boolean;

/** Settings as in `grafana.ini`: by section, then by key. */
export type GrafanaSettings = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

interface Entry {
  /** What the setting is; nothing where the owner leaves it to Grafana. */
  readonly value?: Scalar | SecretRef;
  /** The prop that the setting belongs to; nothing for a default that users may change. */
  readonly source?: string;
}

/**
 * The settings of Grafana as variables of its environment. A setting comes from exactly one place: the prop that it
 * belongs to, set or not, or `settings`.
 */
export class Settings {
  private readonly entries = new Map<string, Entry>();

  public constructor(private readonly problems: Problems) {}

  /** Gives settings of a section to a prop. `undefined` leaves one to Grafana; it belongs to the prop all the same. */
  public set(
    section: string,
    values: Readonly<Record<string, Scalar | SecretRef | undefined>>,
    source: string = LIBRARY,
  ): this {
    for (const [key, value] of Object.entries(values)) this.entries.set(variable(section, key), { value, source });
    return this;
  }

  /** What holds unless `settings` say otherwise. */
  public default(section: string, values: Readonly<Record<string, Scalar>>): this {
    for (const [key, value] of Object.entries(values)) this.entries.set(variable(section, key), { value });
    return this;
  }

  /** Adds the user's `settings`. */
  public addExtra(settings: GrafanaSettings = {}): this {
    for (const [section, values] of Object.entries(settings)) {
      for (const [key, value] of Object.entries(values)) {
        const prop = `settings['${section}'].${key}`;
        const name = variable(section, key);
        const problem = this.refusal(section, key, value);
        if (problem) {
          this.problems.add({ prop, value: typeof value === 'string' ? hideUrlSecrets(value) : value, ...problem });
        } else {
          this.entries.set(name, { value, source: prop });
        }
      }
    }
    return this;
  }

  /** Refuses variables that a prop sets. */
  public checkEnv(env: readonly EnvVar[] = []): void {
    for (const { name, value } of env) {
      const source = this.entries.get(name.replace(/__FILE$/, ''))?.source;
      this.problems.when(source !== undefined, {
        prop: `env['${name}']`,
        value,
        rule: `belongs to ${source}`,
        fix: source === LIBRARY ? 'remove it' : `remove it here and use ${source}`,
      });
    }
  }

  /** Sorted by name. */
  public variables(): EnvVar[] {
    return [...this.entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, { value }]) => {
        if (value === undefined) return [];
        return [typeof value === 'object' ? fromFile(name, value) : { name, value: escapeExpansion(String(value)) }];
      });
  }

  public secrets(): SecretRef[] {
    return [...this.entries.values()].flatMap(({ value }) => (typeof value === 'object' ? [value] : []));
  }

  private refusal(section: string, key: string, value: Scalar): Pick<Problem, 'rule' | 'fix'> | undefined {
    if (!/^[a-zA-Z][\w.-]*$/.test(section) || !/^[a-zA-Z][\w.]*$/.test(key)) {
      return {
        rule: 'sections and keys have letters, digits, _ and ., sections also -, and begin with a letter',
        fix: "write it as in grafana.ini, e.g. settings: { 'auth.proxy': { enabled: true } }",
      };
    }
    const name = variable(section, key);
    const owner = this.entries.get(name)?.source;
    if (owner !== undefined) {
      return { rule: `belongs to ${owner}`, fix: owner === LIBRARY ? 'remove it' : `remove it here and use ${owner}` };
    }
    if (value === '') {
      return { rule: 'Grafana takes no notice of an empty variable', fix: 'remove it, or give a value' };
    }
    if (typeof value === 'string' && (namesSecret(key) || hideUrlSecrets(value) !== value)) {
      return {
        rule: inTheClear('manifest'),
        fix: `set \`env: [{ name: '${name}', valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } } }]\``,
      };
    }
    return undefined;
  }
}

/** As Grafana makes the name. */
function variable(section: string, key: string): string {
  return `GF_${section.replace(/[.-]/g, '_')}_${key.replaceAll('.', '_')}`.toUpperCase();
}
