import { regexProblem, type Check } from '../validation';

const SPACE = /^\s+/;
const NAME = /^(?:[\p{L}_:]|\\.)(?:[\p{L}\d_:.]|\\.)*/u;
const TEXT = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/s;
const OPERATOR = /^(?:=~|!~|!=|=)/;

/** Checks what chooses series, as in PromQL: one selector, or several of which one must match. */
export const seriesSelectorsCheck: Check = (value, prop, problems) => {
  const selectors: unknown[] = Array.isArray(value) ? value : [value];
  const wrong = selectors.map((selector) =>
    typeof selector === 'string' ? selectorProblem(selector) : 'it must be a string',
  );
  if (selectors.length === 0) wrong.push('it is empty');
  for (const [index, problem] of wrong.entries()) {
    if (problem === undefined) continue;
    problems.add({
      prop: Array.isArray(value) && selectors.length > 0 ? `${prop}[${index}]` : prop,
      value: selectors[index],
      rule: `is no series selector: ${problem}`,
      fix: `write for example '{job="node",mode!="idle"}'`,
    });
  }
  return wrong.every((problem) => problem === undefined) ? value : undefined;
};

/** What is wrong with a selector like `up{job=~"node|api"}`; nothing where it is one. */
function selectorProblem(selector: string): string | undefined {
  let rest = selector.replace(SPACE, '');
  const take = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(rest)?.[0];
    if (found !== undefined) rest = rest.slice(found.length).replace(SPACE, '');
    return found;
  };
  const named = take(NAME) !== undefined;
  if (take(/^\{/) === undefined) {
    return named && rest === '' ? undefined : unexpected(rest, named ? '{' : 'a name or {');
  }
  if (take(/^\}/) !== undefined) {
    if (rest !== '') return unexpected(rest, 'the end');
    return named ? undefined : 'it has no filter, and so matches nothing';
  }
  for (;;) {
    const quoted = take(TEXT) !== undefined;
    if (!quoted && take(NAME) === undefined) return unexpected(rest, 'a label');
    const operator = take(OPERATOR);
    if (operator !== undefined) {
      const text = take(TEXT);
      if (text === undefined) return unexpected(rest, 'a text in quotes');
      const problem = operator.includes('~') ? regexProblem(contentOf(text)) : undefined;
      if (problem !== undefined) return `${problem} (${text})`;
    } else if (!quoted) {
      return unexpected(rest, '=, !=, =~ or !~');
    }
    const comma = take(/^,/) !== undefined;
    if (take(/^\}/) !== undefined) return rest === '' ? undefined : unexpected(rest, 'the end');
    if (!comma && take(/^or(?![\w:.])/i) === undefined) return unexpected(rest, 'a comma, `or` or }');
  }
}

function unexpected(rest: string, wanted: string): string {
  return rest === '' ? `it ends where ${wanted} is due` : `${rest.slice(0, 20)} stands where ${wanted} is due`;
}

/** The text without quotes, as far as an expression is concerned: what else may be escaped stands for itself there. */
function contentOf(quoted: string): string {
  const text = quoted.slice(1, -1);
  return quoted.startsWith('`') ? text : text.replace(/\\(["'\\])/g, '$1');
}
