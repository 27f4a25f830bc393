import { jobPath, type RelabelConfig, type RenderedRule, type ScrapeJob } from '../scrape';
import type { Problems } from '../validation';
import type { EnvVar } from '../workload';

/** A text that vmagent writes into a label, and the prop that it comes from. */
interface LabelText {
  readonly prop: string;
  /** Which label. @default - not known */
  readonly label?: string;
  readonly text: unknown;
}

export function labelTexts(prop: string, labels: object = {}): LabelText[] {
  return Object.entries(labels).map(([label, text]: [string, unknown]) => ({
    prop: `${prop}['${label}']`,
    label,
    text,
  }));
}

type SetsText = Pick<RelabelConfig, 'targetLabel' | 'replacement' | 'labels'>;

export function ruleTexts(prop: string, rules: readonly SetsText[] = []): LabelText[] {
  return rules.flatMap(({ targetLabel, replacement, labels }, index) => [
    { prop: `${prop}[${index}].replacement`, label: targetLabel, text: replacement },
    ...labelTexts(`${prop}[${index}].labels`, labels),
  ]);
}

/** The texts of a job are those of the file: rules of its own come before those of the user. */
export function jobTexts(job: ScrapeJob): LabelText[] {
  const config = job.render(String) as {
    readonly relabel_configs?: readonly RenderedRule[];
    readonly metric_relabel_configs?: readonly RenderedRule[];
    readonly static_configs?: readonly { readonly labels?: object }[];
  };
  const { relabel_configs: rules = [], metric_relabel_configs: ofSamples = [], static_configs: statics = [] } = config;
  const texts = [
    ...[...rules, ...ofSamples].flatMap((one) => ruleTexts('', [{ ...one, targetLabel: one.target_label }])),
    ...statics.flatMap(({ labels }) => labelTexts('', labels)),
  ];
  return texts.map((text) => ({ ...text, prop: jobPath(job.name) }));
}

/** What the library and Kubernetes set to the name of the pod. */
const POD_NAMES = ['POD_NAME', 'HOSTNAME'];

/** Fields of a pod that its siblings have other values of. */
const VARYING_FIELD = /^(?:metadata\.(?:name|uid)$|spec\.nodeName$|status\.)|\/pod-(?:name|index)'\]$/;

/** The variables of the pods that each pod has its own value of, as far as it is known. */
export function varyingVariables(env: readonly EnvVar[] = []): ReadonlySet<string> {
  const varying = new Set(POD_NAMES);
  for (const { name, value = '', valueFrom } of env) {
    const field = valueFrom?.fieldRef?.fieldPath ?? '';
    // Kubernetes puts in $(NAME), vmagent %{NAME}.
    const differs = VARYING_FIELD.test(field) || mentions(value, varying, '$(', ')') || mentions(value, varying);
    if (differs) varying.add(name);
    else varying.delete(name);
  }
  return varying;
}

/** Whether one of the variables is put into the text. */
function mentions(text: string, variables: ReadonlySet<string>, begin = '%{', end = '}'): boolean {
  return [...variables].some((name) => text.includes(begin + name + end));
}

/** A label of a target that its samples do not get. */
const HIDDEN_LABEL = /^__(?!name__$)/;

/**
 * Labels that differ from replica to replica make different series of what should be copies.
 *
 * @param varying the variables by which they may
 */
export function checkEqualCopies(
  copies: number,
  texts: readonly LabelText[],
  varying: ReadonlySet<string>,
  problems: Problems,
): void {
  for (const { prop, label = '', text } of texts) {
    const differs = typeof text === 'string' && mentions(text, varying) && !HIDDEN_LABEL.test(label);
    problems.when(copies > 1 && differs, {
      prop,
      value: text,
      rule: 'the value differs from replica to replica, and the storage would take their samples for different series',
      fix: 'remove the label: the storage removes the copies',
    });
  }
}
