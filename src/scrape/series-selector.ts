import { regexProblem, type Check, type Problem } from '../validation';

const SPACE = /^\s+/;
const NAME = /^(?:[\p{L}_:]|\\.)(?:[\p{L}\d_:.]|\\.)*/u;
const TEXT = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/s;
/** What may stand between the quotes of a text, as Go reads it. */
const CONTENT =
  /^(?:[^"\\\n]|\\(?:[abfnrtv\\"]|x[\da-fA-F]{2}|u(?![dD][89a-fA-F])[\da-fA-F]{4}|U(?:0000(?![dD][89a-fA-F])|000[1-9a-fA-F]|0010)[\da-fA-F]{4}|[0-3][0-7]{2}))*$/u;
const OPERATOR = /^(?:=~|!~|!=|=)/;

type Fault = Pick<Problem, 'rule' | 'fix'>;

/** Checks what chooses series, as in PromQL: one selector, or several of which one must match. */
export const seriesSelectorsCheck: Check = (value, prop, problems) => {
  const selectors: unknown[] = Array.isArray(value) ? value : [value];
  const wrong = selectors.map((selector) =>
    typeof selector === 'string' ? faultOf(selector) : fault('it must be a string'),
  );
  if (selectors.length === 0) wrong.push(fault('it is empty'));
  for (const [index, found] of wrong.entries()) {
    if (found === undefined) continue;
    problems.add({
      prop: Array.isArray(value) && selectors.length > 0 ? `${prop}[${index}]` : prop,
      value: selectors[index],
      ...found,
    });
  }
  return wrong.every((found) => found === undefined) ? value : undefined;
};

function fault(what: string, fix = `write for example '{job="node",mode!="idle"}'`): Fault {
  return { rule: `is no series selector: ${what}`, fix };
}

/** What is wrong with a selector like `up{job=~"node|api"}`; nothing where it is one. */
function faultOf(selector: string): Fault | undefined {
  let rest = selector.replace(SPACE, '');
  const take = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(rest)?.[0];
    if (found !== undefined) rest = rest.slice(found.length).replace(SPACE, '');
    return found;
  };
  const name = take(NAME);
  if (name !== undefined && /^(?:inf|nan)$/i.test(name)) return fault(`${name} is a number`);
  if (take(/^\{/) === undefined) {
    return name !== undefined && rest === '' ? undefined : unexpected(rest, name === undefined ? 'a name or {' : '{');
  }
  if (take(/^\}/) !== undefined) return rest === '' ? undefined : unexpected(rest, 'the end');
  for (;;) {
    const quoted = take(TEXT) !== undefined;
    if (!quoted && take(NAME) === undefined) return unexpected(rest, 'a label');
    const operator = take(OPERATOR);
    if (operator !== undefined) {
      const text = take(TEXT);
      if (text === undefined) return unexpected(rest, 'a text in quotes');
      const content = contentOf(text);
      if (content === undefined) return unreadable(text);
      const problem = operator.includes('~') ? regexProblem(content) : undefined;
      if (problem !== undefined) return fault(`${problem} (${text})`);
    } else if (!quoted) {
      return unexpected(rest, '=, !=, =~ or !~');
    }
    const comma = take(/^,/) !== undefined;
    if (take(/^\}/) !== undefined) return rest === '' ? undefined : unexpected(rest, 'the end');
    if (!comma && take(/^or(?![\w:.])/i) === undefined) return unexpected(rest, 'a comma, `or` or }');
  }
}

function unexpected(rest: string, wanted: string): Fault {
  return fault(rest === '' ? `it ends where ${wanted} is due` : `${rest.slice(0, 20)} stands where ${wanted} is due`);
}

function unreadable(quoted: string): Fault {
  return fault(
    `${quoted} has a \\ that escapes nothing, or a line break`,
    'write `\\\\` where a \\ is meant, or backticks around the text',
  );
}

/**
 * The text without quotes, as far as an expression is concerned: what else may be escaped stands for itself there.
 * Nothing where it cannot be read: text in single quotes is put into double ones first.
 */
function contentOf(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith('`')) return inner;
  const content = quoted.startsWith("'") ? inner.replaceAll("\\'", "'").replaceAll('"', '\\"') : inner;
  return CONTENT.test(content) ? decoded(content) : undefined;
}

function decoded(content: string): string {
  return content.replace(
    /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|(["\\]))/g,
    (_, short: string | undefined, long: string | undefined, character: string | undefined) =>
      character ?? String.fromCodePoint(parseInt(short ?? long ?? '', 16)),
  );
}
