const TOKEN =
  /(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?<comment>#[^\n]*)|(?<variable>\$(?:\{[^}]*\}|\w+))|(?<number>\d[\w.]*)|(?<name>[a-zA-Z_:][\w:.]*)|(?<symbol>=~|!~|==|!=|<=|>=|[^\s])/gs;

/** Of comments nothing is kept. */
const KINDS = ['text', 'variable', 'number', 'name', 'symbol'] as const;

interface Token {
  readonly kind: (typeof KINDS)[number];
  readonly value: string;
}

/** Followed by a list of labels. */
const GROUPING = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'];

/** What follows the name of a function: `sum(...)`, `sum by (...) (...)`. */
const CALL = ['(', 'by', 'without'];

const KEYWORDS = [
  ...GROUPING,
  ...['and', 'or', 'unless', 'if', 'ifnot', 'default', 'bool', 'offset', 'limit', 'prefix', 'keep_metric_names'],
  ...['with', 'inf', 'nan'],
];

/** The names of the metrics that a MetricsQL expression selects; of a regular expression, all that it stands for. */
export function metricNames(expression: string): string[] {
  const tokens = [...expression.matchAll(TOKEN)].flatMap(({ groups = {} }): Token[] =>
    KINDS.flatMap((kind) => (groups[kind] === undefined ? [] : [{ kind, value: groups[kind] }])),
  );
  const templates = templateNames(tokens);
  const found = new Set<string>();
  for (let at = 0; at < tokens.length; at++) {
    const { kind, value } = tokens[at]!;
    if (value === '[') at = endOf(tokens, at);
    if (value === '{') {
      const end = endOf(tokens, at);
      for (const name of namesInBraces(tokens.slice(at + 1, end))) found.add(name);
      at = end;
    }
    if (kind !== 'name') continue;
    const next = tokens[at + 1]?.value;
    if (KEYWORDS.includes(value.toLowerCase())) {
      if (GROUPING.includes(value.toLowerCase()) && next === '(') at = endOf(tokens, at + 1);
      continue;
    }
    if (!CALL.includes(next ?? '') && !templates.has(value)) found.add(value);
  }
  return [...found].sort();
}

/** What `WITH (name = ..., f(parameter) = ...)` defines. */
function templateNames(tokens: readonly Token[]): Set<string> {
  const names = new Set<string>();
  tokens.forEach(({ kind, value }, at) => {
    if (kind !== 'name' || value.toLowerCase() !== 'with' || tokens[at + 1]?.value !== '(') return;
    const end = endOf(tokens, at + 1);
    for (let inside = at + 2; inside < end; inside++) {
      if (tokens[inside]!.value === '{') inside = endOf(tokens, inside);
      if (tokens[inside]!.kind !== 'name') continue;
      const after = tokens[inside + 1]?.value === '(' ? endOf(tokens, inside + 1) + 1 : inside + 1;
      if (tokens[after]?.value !== '=') continue;
      for (const token of tokens.slice(inside, after)) if (token.kind === 'name') names.add(token.value);
    }
  });
  return names;
}

function namesInBraces(tokens: readonly Token[]): string[] {
  return tokens.flatMap(({ value }, at) => {
    if (value !== '__name__') return [];
    const [operator, text] = [tokens[at + 1]!.value, tokens[at + 2]!.value.slice(1, -1)];
    if (operator === '=') return [text];
    if (operator === '=~') return alternatives(text);
    throw new Error(`no metric is named by __name__${operator}"${text}"`);
  });
}

/** `a_(b|c)` is a_b and a_c. */
function alternatives(pattern: string): string[] {
  const [, before, inside, after] = /^([\w:]*)\(([\w:|]+)\)(.*)$/.exec(pattern) ?? [];
  if (inside !== undefined) {
    return inside.split('|').flatMap((one) => alternatives(after!).map((rest) => `${before}${one}${rest}`));
  }
  if (!/^[\w:|]*$/.test(pattern)) throw new Error(`write the names out: __name__=~"${pattern}"`);
  return pattern.split('|');
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Where the bracket is closed. */
function endOf(tokens: readonly Token[], start: number): number {
  const opening = tokens[start]!.value;
  let depth = 0;
  for (let at = start; at < tokens.length; at++) {
    if (tokens[at]!.value === opening) depth++;
    if (tokens[at]!.value === CLOSING[opening] && --depth === 0) return at;
  }
  throw new Error(`a ${opening} is not closed`);
}
