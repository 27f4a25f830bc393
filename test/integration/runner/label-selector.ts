export type Labels = Readonly<Record<string, string>>;

/**
 * A selector of labels as the Kubernetes API takes it, e.g. `app=web,tier notin (a, b),!canary`.
 *
 * @throws Error for what is no selector
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function labelSelector(text: string): (labels: Labels) => boolean {
  const requirements = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(requirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

function requirement(text: string): (labels: Labels) => boolean {
  const set = /^([^\s!=<>()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const [, name = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    // What lacks the label is not in the list.
    return (labels) => values.includes(labels[name] ?? '\0') === (operator === 'in');
  }
  const comparison = /^([^\s!=<>()]+)\s*(==?|!=)\s*([^\s!=<>()]*)$/.exec(text);
  if (comparison) {
    const [, name = '', operator, value] = comparison;
    return (labels) => (labels[name] === value) === (operator !== '!=');
  }
  const existence = /^(!?)\s*([^\s!=<>()]+)$/.exec(text);
  if (!existence) throw new Error(`${text}: is no requirement of a label selector`);
  const [, not, name = ''] = existence;
  return (labels) => name in labels === (not === '');
}
