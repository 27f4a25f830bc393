import {
  all,
  anyText,
  didYouMean,
  forbidden,
  listOf,
  mapOf,
  object,
  rule,
  type Check,
  type Problems,
  type Shape,
} from '../validation';
import type { Components } from './exporter';
import { checkNoSecrets } from './references';

/** The settings of a component, as its documentation has them; null for none. */
export type ComponentConfig = Readonly<Record<string, unknown>> | null;

/**
 * Components and pipelines as in the config of the collector, by ids such as `statsd` or `otlp_http/traces`. Those of the
 * library are there as well: the receiver `otlp`, and `memory_limiter`, which begins every pipeline.
 *
 * The type of a component must be one that the default image has; with an `image` of your own any will do. Settings are
 * not looked into, but for secrets, which must not stand in them, and references: `${env:NAME}` wants the variable in `env`.
 *
 * @see https://opentelemetry.io/docs/collector/configuration/
 */
export interface CollectorConfig {
  /** What takes data. @default - none but `otlp` */
  readonly receivers?: Readonly<Record<string, ComponentConfig>>;
  /** What changes data on its way. @default - none but `memory_limiter` */
  readonly processors?: Readonly<Record<string, ComponentConfig>>;
  /** What they connect to must be let out, e.g. by `Endpoint.external(...).connectFrom(collector)`. @default - those of `exporters` */
  readonly exporters?: Readonly<Record<string, ComponentConfig>>;
  /** What leads from pipelines to others. @default - none */
  readonly connectors?: Readonly<Record<string, ComponentConfig>>;
  /** All of them are started. @default - those that the library needs */
  readonly extensions?: Readonly<Record<string, ComponentConfig>>;
  /** What they are put together to. @default - the pipeline `metrics` from `otlp` to `exporters` */
  readonly service?: ServiceConfig;
}

/** What the components are put together to. */
export interface ServiceConfig {
  /**
   * By ids such as `traces` or `metrics/raw`. What is said about `metrics` is added to the pipeline that is there: more
   * receivers, processors after `memory_limiter`, more exporters.
   *
   * @default - `metrics` as it is
   */
  readonly pipelines?: Readonly<Record<string, PipelineConfig>>;
}

/** A pipeline: ids of components. */
export interface PipelineConfig {
  /** Where data comes from. @default - none but what `metrics` has */
  readonly receivers?: readonly string[];
  /** In this order, after `memory_limiter`. @default - none */
  readonly processors?: readonly string[];
  /** Where data goes. @default - none but what `metrics` has */
  readonly exporters?: readonly string[];
}

export const KINDS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;

/** All components by kind, of the library and of the user. */
export type ComponentsByKind = Readonly<Record<(typeof KINDS)[number], Components>>;

/** The pipeline of the library. */
const METRICS = 'metrics';

export const COMPONENT_ID = /^[a-zA-Z]\w{0,62}(?:\/[\w.-]{1,1024})?$/;
const PIPELINE_ID = /^(?:metrics|traces|logs|profiles)(?:\/[\w.-]{1,1024})?$/;

/** Components that exist once, and that something else depends on. */
const OWN_IDS: Readonly<Record<string, string>> = {
  otlp: 'configure another one, e.g. `otlp/tls` on another port',
  memory_limiter: 'set `resources.memory.limit`',
  health_check: 'remove it',
};

/** The library numbers its own. */
const OWN_NUMBERED =
  /^(?:otlp_http|prometheus_remote_write|basicauth|bearertokenauth)\/(?:\d+|clients)$|^file_storage\/queue$/;

const plainData: Check = (value, prop, problems) => {
  const wrong = notPlain(value, prop);
  if (wrong === undefined) return value;
  problems.add({
    prop: wrong.prop,
    value: wrong.value,
    rule: 'must be plain data, as YAML has it',
    fix: "write a string, a number, true, false, null, a list or an object, e.g. '30s' for a Duration",
  });
  return undefined;
};

function notPlain(value: unknown, prop: string): { prop: string; value: unknown } | undefined {
  if (value === undefined || value === null || ['string', 'boolean'].includes(typeof value)) return undefined;
  if (Number.isFinite(value)) return undefined;
  if (Array.isArray(value)) return first(value.map((item, index) => notPlain(item, `${prop}[${index}]`)));
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) return { prop, value };
  return first(Object.entries(value).map(([key, item]) => notPlain(item, `${prop}['${key}']`)));
}

function first<T>(found: readonly (T | undefined)[]): T | undefined {
  return found.find((item) => item !== undefined);
}

const settings: Check = all(
  rule(
    (value) => value === null || (typeof value === 'object' && !Array.isArray(value)),
    'must be the settings of the component',
    'write { setting: value }, or null for none',
  ),
  plainData,
  (value, prop, problems) => {
    checkNoSecrets(value, prop, problems);
    return value;
  },
);

const components: Check = all(
  mapOf((value) => value),
  (value, prop, problems) =>
    Object.fromEntries(
      Object.entries(value as Components).flatMap(([id, config]) => {
        const place = `${prop}['${id}']`;
        const numbered = OWN_NUMBERED.test(id) ? 'give it another name after the /' : undefined;
        const own = Object.hasOwn(OWN_IDS, id) ? OWN_IDS[id] : numbered;
        problems.when(!COMPONENT_ID.test(id), {
          prop: place,
          value: id,
          rule: 'the id of a component is its type, or its type, a / and a name of letters, digits, -, _ and .',
          fix: "write for example 'statsd' or 'otlp_http/traces'",
        });
        problems.when(own !== undefined, {
          prop: place,
          value: config,
          rule: 'the library configures the component of this id',
          fix: own ?? '',
        });
        const checked = settings(config, place, problems);
        return checked === undefined || own !== undefined ? [] : [[id, checked]];
      }),
    ),
);

const ids = listOf(anyText);

const pipelines: Check = all(
  mapOf(object<PipelineConfig>({ receivers: ids, processors: ids, exporters: ids })),
  (value, prop, problems) => {
    for (const id of Object.keys(value as object)) {
      problems.when(!PIPELINE_ID.test(id), {
        prop: `${prop}['${id}']`,
        value: id,
        rule: 'the id of a pipeline is metrics, traces, logs or profiles, or one of them, a / and a name',
        fix: "write for example 'metrics/raw'",
      });
    }
    return value;
  },
);

const OF_THE_LIBRARY = 'what watches the process depends on it';

const SERVICE_SHAPE: Shape<ServiceConfig & { readonly extensions?: never; readonly telemetry?: never }> = {
  pipelines,
  extensions: forbidden('all of `config.extensions` are started', 'remove it'),
  telemetry: forbidden(OF_THE_LIBRARY, 'remove it; `logLevel` says how much is logged'),
};

const SHAPE: Shape<CollectorConfig> = {
  receivers: components,
  processors: components,
  exporters: components,
  connectors: components,
  extensions: components,
  service: object(SERVICE_SHAPE),
};

export const configCheck: Check = object(SHAPE);

/** The user's pipelines over that of the library. */
export function joinPipelines(
  own: Required<PipelineConfig>,
  given: Readonly<Record<string, PipelineConfig>> = {},
): Record<string, Required<PipelineConfig>> {
  const { [METRICS]: metrics = {}, ...others } = given;
  return {
    [METRICS]: {
      receivers: joined(own.receivers, metrics.receivers),
      processors: joined(own.processors, metrics.processors),
      exporters: joined(own.exporters, metrics.exporters),
    },
    ...Object.fromEntries(
      Object.entries(others).map(([id, { receivers = [], processors, exporters = [] }]) => [
        id,
        { receivers, processors: joined(own.processors, processors), exporters },
      ]),
    ),
  };
}

function joined(own: readonly string[], given: readonly string[] = []): string[] {
  return [...new Set([...own, ...given])];
}

/** Whether the parts of the config fit together: the collector refuses to start when they do not. */
export function checkPipelines(
  pipelines: Readonly<Record<string, Required<PipelineConfig>>>,
  { receivers, processors, exporters, connectors }: ComponentsByKind,
  problems: Problems,
): void {
  const known = {
    receivers: { ...receivers, ...connectors },
    processors,
    exporters: { ...exporters, ...connectors },
  } as const;
  const used = { receivers: new Set<string>(), processors: new Set<string>(), exporters: new Set<string>() };
  for (const [id, pipeline] of Object.entries(pipelines)) {
    const prop = `config.service.pipelines['${id}']`;
    for (const kind of ['receivers', 'processors', 'exporters'] as const) {
      // That `metrics` lacks exporters is said about the prop.
      problems.when(pipeline[kind].length === 0 && id !== METRICS, {
        prop: `${prop}.${kind}`,
        value: undefined,
        rule: `a pipeline without ${kind} does nothing`,
        fix: `name one of ${Object.keys(known[kind]).join(', ')}`,
      });
      for (const component of pipeline[kind]) {
        used[kind].add(component);
        problems.when(!Object.hasOwn(known[kind], component), {
          prop: `${prop}.${kind}`,
          value: component,
          rule: `is not among \`config.${kind}\``,
          fix: didYouMean(component, Object.keys(known[kind]), `add it to \`config.${kind}\``),
        });
      }
    }
  }
  for (const kind of ['receivers', 'processors', 'exporters'] as const) {
    const all = { receivers, processors, exporters }[kind];
    for (const id of Object.keys(all)) checkUsed(kind, id, used[kind].has(id), 'is in no pipeline');
  }
  for (const id of Object.keys(connectors)) {
    const both = used.receivers.has(id) && used.exporters.has(id);
    checkUsed(
      'connectors',
      id,
      both,
      'connects nothing: it must be an exporter of one pipeline and a receiver of another',
    );
  }

  function checkUsed(kind: string, id: string, isUsed: boolean, rule: string): void {
    problems.when(!isUsed, {
      prop: `config.${kind}['${id}']`,
      value: id,
      rule,
      fix: 'name it in `config.service.pipelines`, or remove it',
    });
  }
}

/** Processors that keep what they know of a series or a trace, all of whose data must come to them; without any `_`. */
const STATEFUL = [
  'cumulativetodelta',
  'deltatocumulative',
  'groupbytrace',
  'interval',
  'metricstarttime',
  'tailsampling',
];

export function checkStateful(processors: Components, most: number, problems: Problems): void {
  for (const id of Object.keys(processors)) {
    problems.when(most > 1 && STATEFUL.includes(id.replace(/\/.*$/, '').replaceAll('_', '')), {
      prop: `config.processors['${id}']`,
      value: id,
      rule: `it must see all data of a series or a trace, which is spread over ${most} replicas`,
      fix: 'set `replicas: 1`, or put it into a collector of its own with one replica',
    });
  }
}
