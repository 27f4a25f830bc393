import { didYouMean, templateProblem, type Problems } from '../validation';
import type { Files } from '../workload';
import type { CheckedConfig } from './config-props';

/** Where template files are mounted. */
export const TEMPLATE_FOLDER = '/etc/alertmanager/templates';

const DEFINITION = /\{\{-?\s*(?:define|block)\s+"([^"]+)"/g;
const USE = /\{\{-?\s*template\s+"([^"]+)"/g;

/** Those that come with Alertmanager: `slack.default.title`, `__subject`. */
const BUILT_IN = /^__|^[a-z0-9]+\.default\./;

/**
 * Reports templates that nothing defines: Alertmanager notices when it sends, and then sends nothing.
 *
 * @param source begins the names of the config's fields in messages
 */
export function checkTemplates(config: CheckedConfig, source: string, files: Files, problems: Problems): void {
  const names = Object.keys(files);
  for (const [name, content] of Object.entries(files)) {
    const problem = templateProblem(content);
    problems.when(problem !== undefined, {
      prop: `templates['${name}']`,
      value: content,
      rule: `Alertmanager would not start with it: ${problem}`,
      fix: 'correct the template',
    });
    problems.when(!name.endsWith('.tmpl'), {
      prop: `templates['${name}']`,
      value: name,
      rule: 'the name of a template file ends in .tmpl',
      fix: 'rename the file',
    });
  }
  for (const pattern of config.templates ?? []) {
    const wanted = pattern.replace(/^.*\//, '');
    problems.when(!names.some((name) => matches(name, wanted)), {
      prop: `${source}templates`,
      value: pattern,
      rule: 'the pods have no such file',
      fix: `give it to the Alertmanager: \`templates: { '${wanted.replaceAll('*', 'name')}': readFileSync(...) }\``,
    });
  }
  const texts = [...Object.values(files), ...textsIn(config)];
  const defined = new Set(texts.flatMap((text) => namesIn(text, DEFINITION)));
  const used = new Set(texts.flatMap((text) => namesIn(text, USE)));
  for (const name of used) {
    problems.when(!defined.has(name) && !BUILT_IN.test(name), {
      prop: 'templates',
      value: names,
      rule: `none of them defines "${name}", and notifications with it would fail`,
      fix: didYouMean(name, defined, `add a file with {{ define "${name}" }}`),
    });
  }
}

function matches(name: string, pattern: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(name);
}

function namesIn(text: string, expression: RegExp): string[] {
  return [...text.matchAll(expression)].flatMap(([, name]) => name ?? []);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  // Not the objects of the stack that a webhook may name.
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype;
  return isPlain ? Object.values(value as object).flatMap(textsIn) : [];
}
