import { InvalidValueError, isObject, readYamlFile, yaml } from '../validation';

/** Fields whose values are passed on as they are, so that a number must stay one. */
const FREE_FORM: readonly (readonly [integration: string, field: string])[] = [
  ['webhook_configs', 'payload'],
  ['pagerduty_configs', 'details'],
  ['jira_configs', 'fields'],
];

/**
 * Reads a config file.
 *
 * @throws InvalidValueError when there is no such file, it is no YAML, or it holds no config
 */
export function readConfigFile(path: string): unknown {
  const { isPair, isScalar, visit } = yaml();
  const document = readYamlFile(path);
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key === 'key' || node.type !== 'PLAIN') return;
      const text = String(node.value);
      const keys = ancestors.flatMap((each) => (isPair(each) && isScalar(each.key) ? [String(each.key.value)] : []));
      if (/^(?:|~|null)$/i.test(text)) node.value = null;
      else if (FREE_FORM.some((path) => path.every((name) => keys.includes(name)))) node.value = typed(text);
    },
  });
  const content: unknown = document.toJS();
  if (isObject(content)) return content;
  throw new InvalidValueError({
    prop: 'path',
    value: path,
    rule: 'the file holds no config',
    fix: 'write one with `route` and `receivers`',
  });
}

function typed(text: string): unknown {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) return Number(text);
  return /^(?:true|false)$/.test(text) ? text === 'true' : text;
}
