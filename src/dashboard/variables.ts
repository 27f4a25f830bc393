import { metricsQlProblem, object, Refusals, rule, text, type Check } from '../validation';
import { DATASOURCE, DATASOURCE_VARIABLE } from './datasource';

/** What the viewer of a dashboard chooses. Made by `Variables`. */
export interface DashboardVariable {
  /** Queries have it as `$name`. */
  readonly name: string;
  /** The label that it chooses values of. @default - it chooses the data source */
  readonly label?: string;
  /** As in the JSON of a dashboard. @param before what stands before it, and narrows what it offers */
  render(before: readonly DashboardVariable[]): Readonly<Record<string, unknown>>;
}

/** Where the values of a label are found. */
export interface LabelValuesProps {
  /** A metric whose series have the label. */
  readonly metric: string;
  /** Which of its series, as between braces: `job="vmstorage"`. @default - all */
  readonly matchers?: string;
}

/** A variable that chooses values of any label. */
export interface LabelVariableProps extends LabelValuesProps {
  /** Queries have it as `$name`: letters, digits and _. */
  readonly name: string;
  /** What the viewer reads beside it. */
  readonly title: string;
  /** The label, e.g. `namespace`. */
  readonly label: string;
}

const matchersCheck: Check = (value, prop, problems) => {
  const written = typeof value === 'string' ? value : '';
  const problem = metricsQlProblem(written);
  if (problem === undefined && !/[{}]/.test(written.replace(/"[^"]*"/g, ''))) return value;
  problems.add({
    prop,
    value,
    rule: problem === undefined ? 'has braces, which are put around it' : `is no list of matchers: ${problem}`,
    fix: 'write for example job="vmstorage",type="indexdb"',
  });
  return undefined;
};

const metricCheck = text(/^[a-zA-Z_:][\w:]*$/, 'the name of a metric');

const labelVariableCheck = object<LabelVariableProps>(
  {
    name: rule(
      (value) => typeof value === 'string' && /^(?!_)\w+$/.test(value) && value !== DATASOURCE_VARIABLE,
      `must have letters, digits and _, and be neither ${DATASOURCE_VARIABLE} nor begin with _: those are Grafana's or ours`,
      "write for example 'namespace'",
    ),
    title: text(),
    metric: metricCheck,
    label: text(/^[a-zA-Z_]\w*$/, 'the name of a label'),
    matchers: matchersCheck,
  },
  'name',
  'title',
  'metric',
  'label',
);

/** Makes the variables of dashboards. Those of labels take several values, so that queries have `label=~"$name"`. */
export class Variables {
  /** The tenant: which data source is asked. Each dashboard has it. */
  public static tenant(): DashboardVariable {
    return {
      name: DATASOURCE_VARIABLE,
      render: () => ({
        type: 'datasource',
        name: DATASOURCE_VARIABLE,
        label: 'Tenant',
        description: 'The data source; each tenant has its own',
        query: DATASOURCE.type,
        regex: '',
        multi: false,
        includeAll: false,
        refresh: 1,
        options: [],
        current: {},
        hide: 0,
      }),
    };
  }

  /** `$cluster`: the Kubernetes cluster, an external label of agents. */
  public static cluster(props: LabelValuesProps): DashboardVariable {
    return Variables.label({ name: 'cluster', title: 'Cluster', label: 'cluster', ...props });
  }

  /** `$namespace`. */
  public static namespace(props: LabelValuesProps): DashboardVariable {
    return Variables.label({ name: 'namespace', title: 'Namespace', label: 'namespace', ...props });
  }

  /** `$job`: the program of components, else the name of the job. */
  public static job(props: LabelValuesProps): DashboardVariable {
    return Variables.label({ name: 'job', title: 'Job', label: 'job', ...props });
  }

  /** `$instance`: of components pod and port. */
  public static instance(props: LabelValuesProps): DashboardVariable {
    return Variables.label({ name: 'instance', title: 'Instance', label: 'instance', ...props });
  }

  /**
   * Values of any label. What the variables before it choose narrows what it offers.
   *
   * @throws InvalidValueError when a prop is wrong.
   */
  public static label(props: LabelVariableProps): DashboardVariable {
    labelVariableCheck(props, `variable['${String((props as Partial<LabelVariableProps>).name)}']`, new Refusals());
    const { name, title, metric, label, matchers = '' } = props;
    return {
      name,
      label,
      render: (before) => {
        const narrowing = before.flatMap((other) => (other.label ? [`${other.label}=~"$${other.name}"`] : []));
        const inner = [...narrowing, ...(matchers === '' ? [] : [matchers])].join(',');
        const query = `label_values(${metric}${inner === '' ? '' : `{${inner}}`},${label})`;
        return {
          type: 'query',
          name,
          label: title,
          datasource: DATASOURCE,
          definition: query,
          query: { qryType: 1, query, refId: `variable-${name}` },
          // When the time range changes, as pods come and go.
          refresh: 2,
          regex: '',
          // By the alphabet, numbers in it by their value.
          sort: 7,
          multi: true,
          includeAll: true,
          // Matches series without the label, too: without a list of them, which may be long.
          allValue: '.*',
          options: [],
          current: { text: ['All'], value: ['$__all'] },
          hide: 0,
        };
      },
    };
  }
}
