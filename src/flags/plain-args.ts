import { closest, hideUrlSecrets, inTheClear, namesSecret, type Problem, type Problems } from '../validation';
import { escapeExpansion, LIBRARY } from './flag-set';

/** The names that a program knows, without their dashes. */
export interface KnownArgs {
  /** The program with its version, e.g. `Prometheus 3.13`. */
  readonly program: string;
  readonly names: readonly string[];
}

/** Text in which Kubernetes replaces `$(NAME)` by an environment variable of the container. */
export interface ArgTemplate {
  readonly template: string;
}

/** `true` is an arg without a value; a list repeats the arg. */
type ArgValue = string | number | true | ArgTemplate | readonly (string | number | ArgTemplate)[];

interface Entry {
  /** The args as rendered; none where the owner leaves it to the default of the program. */
  readonly args: readonly string[];
  /** The prop that the arg belongs to. */
  readonly source: string;
}

const ARG = /^--([a-zA-Z0-9][\w.-]*)(?:=(.*))?$/s;

/**
 * The args `--name=value` of a program whose flags no catalogue lists. As in a `FlagSet`, an arg comes from exactly one
 * place: the prop that it belongs to, set or not, or `extraArgs`.
 */
export class PlainArgs {
  private readonly entries = new Map<string, Entry>();
  private readonly refused = new Map<string, Pick<Problem, 'rule' | 'fix'>>();

  /**
   * @param repeatable names that `extraArgs` may hold several times
   * @param known what else `extraArgs` may hold; anything when left out
   */
  public constructor(
    private readonly problems: Problems,
    private readonly repeatable: readonly string[] = [],
    private readonly known?: KnownArgs,
  ) {
    this.refuse(['help', 'version'], 'the process would print it and exit', 'remove it');
  }

  /**
   * Gives an arg to a prop. `undefined` leaves it out, so that the default of the program holds; it belongs to the prop
   * all the same. To turn a switch off, name it `no-...` where the program knows that.
   *
   * @param name without the dashes
   * @param source the prop, told to users who set the arg by `extraArgs`
   */
  public set(name: string, value: ArgValue | undefined, source: string): this {
    this.entries.set(switchName(name), { args: value === undefined ? [] : rendered(name, value), source });
    return this;
  }

  /** Keeps an arg out of `extraArgs` that would break what the library renders around the process. */
  public refuse(names: readonly string[], rule: string, fix: string): this {
    for (const name of names) this.refused.set(name, { rule, fix });
    return this;
  }

  /** Adds the user's `extraArgs`. @param prop the full name of the prop */
  public addExtra(extraArgs: readonly string[] | undefined, prop = 'extraArgs'): this {
    for (const arg of extraArgs ?? []) {
      const [, name, value] = ARG.exec(arg) ?? [];
      if (name === undefined) {
        this.problems.add({
          prop,
          // What does not look like an arg is likely the value of the one before it, and may be secret.
          value: arg.startsWith('-') ? arg.replace(/[=\s].*$/s, '') : '***',
          rule: 'an arg is one string, a name with two dashes and its value after a =',
          fix: "write '--name' or '--name=value'",
        });
        continue;
      }
      this.addOne(name, value, `${prop}['--${name}']`);
    }
    return this;
  }

  /** Container args, sorted by name; a repeated arg in the order of its values. */
  public render(): string[] {
    return [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, { args }]) => args);
  }

  private addOne(name: string, value: string | undefined, source: string): void {
    const shown = value === undefined || !namesSecret(name) ? value && hideUrlSecrets(value) : '***';
    const problem = this.refusal(name, value, shown, source);
    if (problem) {
      this.problems.add({ prop: source, value: shown ?? true, ...problem });
      return;
    }
    const earlier = this.entries.get(switchName(name))?.args ?? [];
    this.entries.set(switchName(name), { args: [...earlier, ...rendered(name, value ?? true)], source });
  }

  private refusal(
    name: string,
    value: string | undefined,
    shown: string | undefined,
    source: string,
  ): Pick<Problem, 'rule' | 'fix'> | undefined {
    const owner = this.entries.get(switchName(name))?.source;
    if (owner !== undefined && owner !== source) {
      return {
        rule: `--${name} belongs to ${owner}`,
        fix: owner === LIBRARY ? 'remove it' : `remove it here and use ${owner}`,
      };
    }
    if (owner === source && !this.repeatable.includes(name)) {
      return { rule: `--${name} takes one value`, fix: 'give it once' };
    }
    if (shown !== value) {
      return {
        rule: inTheClear('manifest'),
        fix: 'use an arg that names a file, and mount the Secret with `extraVolumes` and `extraVolumeMounts`',
      };
    }
    return this.refused.get(switchName(name)) ?? this.unknown(name);
  }

  private unknown(name: string): Pick<Problem, 'rule' | 'fix'> | undefined {
    const wanted = switchName(name);
    if (!this.known || this.known.names.includes(wanted)) return undefined;
    const { program, names } = this.known;
    const meant = closest(wanted, names);
    return {
      rule: `${program} has no --${name}`,
      fix: meant
        ? `did you mean \`--${wanted === name ? '' : 'no-'}${meant}\`?`
        : 'remove it; an arg of another version goes into the args by a JSON patch',
    };
  }
}

/** `--no-x` is the same switch as `--x`. */
function switchName(name: string): string {
  return name.replace(/^no-/, '');
}

function rendered(name: string, value: ArgValue): string[] {
  if (value === true) return [`--${name}`];
  const values: readonly (string | number | ArgTemplate)[] = Array.isArray(value) ? value : [value];
  return values.map((item) => `--${name}=${typeof item === 'object' ? item.template : escapeExpansion(String(item))}`);
}
