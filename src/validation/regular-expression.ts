/** What an expression holds that its replacement may refer to. */
interface RegexGroups {
  readonly count: number;
  readonly names: readonly string[];
}

/** Thrown and caught in this file only. */
class SyntaxProblem extends Error {}

/**
 * Why no program written in Go, such as vmagent, vmauth or Prometheus, would compile an expression; nothing where they
 * would. They use RE2, which has other rules than JavaScript, and most anchor the expression.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function regexProblem(expression: string): string | undefined {
  try {
    parseRegex(expression);
    // What is left open would swallow the end of the anchors, which an expression of its own does not show.
    parseRegex(`^(?:${expression.replace(/^\^+/, '').replace(/(?<!\\)\$+$/, '')})$`);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxProblem) return error.message;
    throw error;
  }
}

/** The groups of an expression; none where it does not compile. */
export function regexGroups(expression: string): RegexGroups | undefined {
  try {
    return parseRegex(expression);
  } catch (error) {
    if (error instanceof SyntaxProblem) return undefined;
    throw error;
  }
}

function parseRegex(expression: string): RegexGroups {
  return new Parser(expression).parse();
}

/** What has been read of the alternatives of one group. */
interface Frame {
  /** How often the last operand is repeated by counts within it; nothing to repeat where there is none. */
  operand: number | undefined;
  /** The most of all operands. */
  most: number;
}

const MOST_REPETITIONS = 1000;
const COUNT = /^\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}/;
const POSIX_CLASSES =
  /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]$/;
const CATEGORY = /^(?:C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/;
/** Go knows scripts by their long names; of those with four letters JavaScript knows abbreviations as well. */
const SHORT_SCRIPTS = ['Ahom', 'Cham', 'Kawi', 'Lisu', 'Modi', 'Newa', 'Thai', 'Toto'];

class Parser {
  private readonly frames: Frame[] = [{ operand: undefined, most: 1 }];
  private readonly names: string[] = [];
  private rest: string;
  private count = 0;

  public constructor(expression: string) {
    this.rest = expression;
  }

  public parse(): RegexGroups {
    let repeated = '';
    while (this.rest !== '') repeated = this.step(repeated);
    if (this.frames.length > 1) throw new SyntaxProblem('a ( is not closed');
    return { count: this.count, names: this.names };
  }

  /** Reads one item. @returns the operator where it was a repetition, which must not follow another */
  private step(repeated: string): string {
    const { rest } = this;
    switch (rest[0]) {
      case '(':
        this.open();
        return '';
      case '|':
        this.rest = rest.slice(1);
        this.frame.operand = undefined;
        return '';
      case ')':
        this.close();
        return '';
      case '[':
        this.rest = this.afterClass(rest);
        this.add(1);
        return '';
      case '*':
      case '+':
      case '?':
        return this.repeat(rest[0], 1, repeated);
      case '{':
        return this.repeatByCount(repeated);
      case '\\':
        this.escape();
        return '';
      default:
        this.rest = rest.slice(lengthOfFirst(rest));
        this.add(1);
        return '';
    }
  }

  private get frame(): Frame {
    return this.frames.at(-1)!;
  }

  private add(repetitions: number): void {
    this.frame.operand = repetitions;
    this.frame.most = Math.max(this.frame.most, repetitions);
  }

  private open(): void {
    const { rest } = this;
    if (!rest.startsWith('(?')) {
      this.count++;
      this.frames.push({ operand: undefined, most: 1 });
      this.rest = rest.slice(1);
      return;
    }
    const named = /^\(\?P?<([^>]*)>/.exec(rest);
    if (named || /^\(\?P?</.test(rest)) {
      const [text = rest, name = ''] = named ?? [];
      if (/^\(\?<[=!]/.test(rest)) throw new SyntaxProblem(`RE2 has no lookbehind, as in ${rest.slice(0, 4)}`);
      if (!/^\w+$/.test(name)) throw new SyntaxProblem(`${text} is no named group`);
      this.names.push(name);
      this.count++;
      this.frames.push({ operand: undefined, most: 1 });
      this.rest = rest.slice(text.length);
      return;
    }
    if (/^\(\?[=!]/.test(rest)) throw new SyntaxProblem(`RE2 has no lookahead, as in ${rest.slice(0, 3)}`);
    const flags = /^\(\?(?:[imsU]*|[imsU]*-[imsU]+)([:)])/.exec(rest);
    if (!flags) throw new SyntaxProblem(`${rest.slice(0, 3)} begins no group that RE2 has`);
    if (flags[1] === ':') this.frames.push({ operand: undefined, most: 1 });
    this.rest = rest.slice(flags[0].length);
  }

  private close(): void {
    const closed = this.frames.pop()!;
    if (this.frames.length === 0) throw new SyntaxProblem('a ) closes nothing');
    this.rest = this.rest.slice(1);
    this.add(closed.most);
  }

  private repeatByCount(repeated: string): string {
    const [text, least = '', range, most] = COUNT.exec(this.rest) ?? [];
    if (text === undefined) {
      // A brace that counts nothing stands for itself.
      this.rest = this.rest.slice(1);
      this.add(1);
      return '';
    }
    const min = Number(least);
    const max = range === undefined ? min : most === undefined ? undefined : Number(most);
    if (min > MOST_REPETITIONS || (max ?? 0) > MOST_REPETITIONS) {
      throw new SyntaxProblem(`${text} counts beyond ${MOST_REPETITIONS}`);
    }
    if (max !== undefined && min > max) throw new SyntaxProblem(`${text} counts from more to less`);
    return this.repeat(text, max === 0 ? 0 : Math.max(1, max ?? min), repeated);
  }

  private repeat(operator: string, times: number, repeated: string): string {
    const after = this.rest.slice(operator.length);
    const lazy = after.startsWith('?') ? '?' : '';
    if (repeated !== '') throw new SyntaxProblem(`${repeated}${operator}${lazy} repeats a repetition`);
    const { operand } = this.frame;
    if (operand === undefined) throw new SyntaxProblem(`${operator} has nothing before it to repeat`);
    const repetitions = times === 0 ? 1 : operand * times;
    if (times > 1 && repetitions > MOST_REPETITIONS) {
      throw new SyntaxProblem(`with ${operator} a part is repeated more than ${MOST_REPETITIONS} times`);
    }
    this.add(repetitions);
    this.rest = after.slice(lazy.length);
    return operator + lazy;
  }

  private escape(): void {
    const { rest } = this;
    if (rest.startsWith('\\Q')) {
      const end = rest.indexOf('\\E');
      const quoted = end < 0 ? rest.slice(2) : rest.slice(2, end);
      if (quoted !== '') this.add(1);
      this.rest = end < 0 ? '' : rest.slice(end + 2);
      return;
    }
    this.rest = /^\\[AbBzdDsSwW]/.test(rest) ? rest.slice(2) : (afterUnicodeClass(rest) ?? afterEscape(rest));
    this.add(1);
  }

  /** What follows the class that begins a text. */
  private afterClass(text: string): string {
    let rest = text.slice(text[1] === '^' ? 2 : 1);
    for (let first = true; first || !rest.startsWith(']'); first = false) {
      const posix = /^\[:.*?:\]/s.exec(rest);
      if (posix) {
        if (!POSIX_CLASSES.test(posix[0])) throw new SyntaxProblem(`there is no class ${posix[0]}`);
        rest = rest.slice(posix[0].length);
        continue;
      }
      const afterSet = /^\\[dDsSwW]/.test(rest) ? rest.slice(2) : afterUnicodeClass(rest);
      if (afterSet !== undefined) {
        rest = afterSet;
        continue;
      }
      const low = this.classCharacter(rest);
      rest = low.after;
      if (!/^-[^\]]/s.test(rest)) continue;
      const high = this.classCharacter(rest.slice(1));
      if (high.code < low.code) throw new SyntaxProblem('a range of characters goes from higher to lower');
      rest = high.after;
    }
    return rest.slice(1);
  }

  private classCharacter(text: string): { readonly code: number; readonly after: string } {
    if (text === '') throw new SyntaxProblem('a [ is not closed');
    const after = text.startsWith('\\') ? afterEscape(text) : text.slice(lengthOfFirst(text));
    return { code: codeOf(text.slice(0, text.length - after.length)), after };
  }
}

/** What follows a class like `\pL` or `\p{Greek}`; nothing where the text begins with none. */
function afterUnicodeClass(text: string): string | undefined {
  if (!/^\\[pP]./su.test(text)) return undefined;
  const [found, braced, letter] = /^\\[pP](?:\{\^?([^}]*)\}|([^{]))/su.exec(text) ?? [];
  const name = braced ?? letter ?? '';
  if (found === undefined || !isUnicodeTable(name)) {
    throw new SyntaxProblem(`there is no Unicode class ${found ?? text.slice(0, 3)}`);
  }
  return text.slice(found.length);
}

function isUnicodeTable(name: string): boolean {
  if (name === 'Any' || CATEGORY.test(name)) return true;
  if (!/^[A-Z][a-z]+(?:_[A-Za-z]+)*$/.test(name) || (name.length === 4 && !SHORT_SCRIPTS.includes(name))) return false;
  try {
    return new RegExp(`\\p{Script=${name}}`, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

const ESCAPE = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2}|x[0-9A-Fa-f]{2}|x\{([0-9A-Fa-f]+)\}|[afnrtv]|[\x21-\x2f:-@[-`{-~\s])/;

/** What follows the escaped character that begins a text. */
function afterEscape(text: string): string {
  const [found, hex] = ESCAPE.exec(text) ?? [];
  if (found !== undefined && parseInt(hex ?? '0', 16) <= 0x10ffff) return text.slice(found.length);
  if (text === '\\') throw new SyntaxProblem('it ends in a \\');
  const escape = text.slice(0, 1 + lengthOfFirst(text.slice(1)));
  throw new SyntaxProblem(
    /[1-9]/.test(escape) ? `RE2 has no backreferences, as in ${escape}` : `RE2 does not know ${escape}`,
  );
}

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

function codeOf(character: string): number {
  if (!character.startsWith('\\')) return character.codePointAt(0)!;
  const escaped = character.slice(1);
  if (/^[0-7]/.test(escaped)) return parseInt(escaped, 8);
  if (escaped.startsWith('x')) return parseInt(escaped.replace(/[x{}]/g, ''), 16);
  return CONTROLS[escaped] ?? escaped.codePointAt(0)!;
}

/** How many units of the string the first character takes. */
function lengthOfFirst(text: string): number {
  return (text.codePointAt(0) ?? 0) > 0xffff ? 2 : 1;
}
