import type { IConstruct } from 'constructs';
import { namesSecret } from './secret-name';

/** Something wrong in what a user wrote, told so that the user can mend it without reading the source. */
export interface Problem {
  /** The prop as the user wrote it, e.g. `vmstorage.replicas`. */
  readonly prop: string;
  /** The value that is wrong. */
  readonly value: unknown;
  /** The rule that the value breaks, as a sentence without a full stop. */
  readonly rule: string;
  /** What to write instead, as an imperative without a full stop. */
  readonly fix: string;
}

/** Thrown by value classes (`Retention`, `Image`, `Tenant` ...), which are validated when made. */
export class InvalidValueError extends Error {
  public constructor(public readonly problem: Problem) {
    super(messageOf(problem));
    this.name = 'InvalidValueError';
  }
}

/** One line: prop, value, rule and fix. A text that is likely a secret is not repeated: messages end up in logs. */
export function messageOf({ prop, value, rule, fix }: Problem): string {
  const shown = typeof value === 'string' && holdsSecret(prop) ? '"***"' : show(value);
  return `${prop} = ${shown}: ${rule}. To fix: ${fix}${fix.endsWith('?') ? '' : '.'}`;
}

function holdsSecret(prop: string): boolean {
  const name = /([^.[\]']+)['\]]*$/.exec(prop)?.[1] ?? prop;
  return namesSecret(name) || /auth$/i.test(name);
}

/**
 * The problems of one construct, collected so that a single synth reports all of them.
 * cdk8s adds the path of the construct to each.
 */
export class Problems {
  private readonly found: Problem[] = [];
  private readonly lateChecks: ((problems: Problems) => void)[] = [];
  private reported = false;

  /** What was found so far, but for what is checked later. */
  public get all(): readonly Problem[] {
    return this.found;
  }

  public add(problem: Problem): void {
    this.found.push(problem);
  }

  /** Adds the problem when the condition holds. */
  public when(condition: boolean, problem: Problem): void {
    if (condition) this.add(problem);
  }

  /** Checks what can only be told once nothing is added to the construct any more. */
  public later(check: (problems: Problems) => void): void {
    this.lateChecks.push(check);
  }

  /** Runs a value factory; what it refuses becomes a problem of this construct instead of an exception. */
  public attempt<T>(make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
      this.add(error.problem);
      return undefined;
    }
  }

  /** Has the synth report these problems at the construct; where several ask for it, at the first. */
  public reportAt(construct: IConstruct): void {
    if (this.reported) return;
    this.reported = true;
    construct.node.addValidation({ validate: () => this.messages() });
  }

  /** One line per problem, without duplicates, in the order of their finding. */
  public messages(): string[] {
    const late = new Problems();
    for (const check of this.lateChecks) check(late);
    return [...new Set([...this.found, ...late.found].map(messageOf))];
  }
}

/** Long enough for any flag or image, short enough for a terminal line. */
const SHOWN_CHARACTERS = 80;

function show(value: unknown): string {
  const text = textOf(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}

function textOf(value: unknown): string {
  if (value === undefined) return '(not set)';
  if (typeof value === 'function') return `${value.name || 'anonymous'}()`;
  if (typeof value === 'object' && value !== null) {
    if (isSize(value)) return value.asString();
    if (isDuration(value)) return value.toHumanString();
    // eslint-disable-next-line @typescript-eslint/no-base-to-string -- hasOwnText says that it has another
    if (hasOwnText(value)) return value.toString();
    try {
      return JSON.stringify(value, (key, item: unknown) =>
        typeof item === 'string' && namesSecret(key) ? '***' : isAmount(item) ? textOf(item) : item,
      );
    } catch {
      return `a ${value.constructor.name}`;
    }
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'symbol' || typeof value === 'bigint') return value.toString();
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

/** Value classes say themselves how they are written. */
function hasOwnText(value: object): boolean {
  return !Array.isArray(value) && value.toString !== Object.prototype.toString;
}

function isAmount(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (isSize(value) || isDuration(value));
}

function isSize(value: object): value is { asString(): string } {
  return 'asString' in value && typeof value.asString === 'function';
}

function isDuration(value: object): value is { toHumanString(): string } {
  return 'toHumanString' in value && typeof value.toHumanString === 'function';
}
