import {
  all,
  anyText,
  boolean,
  filledListOf,
  integer,
  listOf,
  mapOf,
  metricsQlCheck,
  object,
  Refusals,
  rule,
  text,
  type Check,
  type Shape,
} from '../validation';
import { DATASOURCE } from './datasource';
import { thresholdsCheck, thresholdSteps, type Thresholds } from './thresholds';
import { unitCheck, type PanelUnit } from './units';

/** A panel, before it has its place. Made by `Panels`. */
export interface Panel {
  /** Stands above it. */
  readonly title: string;
  /** Columns of 24. */
  readonly width: number;
  /** Rows of about 30 pixels. */
  readonly height: number;
  /** As in the JSON of a dashboard, but for its id and its place. */
  readonly model: Readonly<Record<string, unknown>>;
}

/** What a panel shows. */
export interface PanelQuery {
  /** MetricsQL, with variables as `label=~"$name"` and `[$__rate_interval]` as the window of rates. */
  readonly expr: string;
  /** Names each series, e.g. `{{instance}}`. @default - the labels in which the series differ */
  readonly legend?: string;
}

/** Where a click leads: to a dashboard by its uid, with the same time and variables, or to a URL. */
export type PanelLink =
  { readonly title: string; readonly dashboard: string } | { readonly title: string; readonly url: string };

/** What all panels have. */
export interface PanelProps {
  /** Stands above the panel. */
  readonly title: string;
  /** What is shown, and what to do when it is bad: read by somebody who sees it for the first time, at night. */
  readonly description: string;
  /** The unit of the values. */
  readonly unit: PanelUnit;
  /** Columns of 24. @default - 4 of a stat, 8 of all others */
  readonly width?: number;
  /** Rows of about 30 pixels. @default - 4 of a stat, 8 of all others */
  readonly height?: number;
  /** Digits after the point. @default - as many as fit */
  readonly decimals?: number;
  /** What stands there when there is no series. @default - No data */
  readonly noValue?: string;
  /** Where to look next. @default - none */
  readonly links?: readonly PanelLink[];
}

/** Values over time. */
export interface TimeSeriesProps extends PanelProps {
  /** What is drawn. */
  readonly queries: readonly PanelQuery[];
  /** Drawn as lines across. @default - none */
  readonly thresholds?: Thresholds;
  /** Where the axis begins. @default - by the values */
  readonly min?: number;
  /** Where the axis ends. @default - by the values */
  readonly max?: number;
  /** Whether the series stand on each other: parts of a whole. @default false */
  readonly stack?: boolean;
}

/** One value, or a few, of now. */
export interface StatProps extends PanelProps {
  /** What is shown. */
  readonly queries: readonly PanelQuery[];
  /** Colours the value. @default - the colour says nothing */
  readonly thresholds?: Thresholds;
  /** Texts in the place of values, e.g. `{ 0: 'down', 1: 'up' }`. @default - none */
  readonly texts?: Readonly<Record<string, string>>;
  /** Whether the time before is drawn behind the last value. @default false */
  readonly sparkline?: boolean;
}

/** A column of values, beside those of labels. */
export interface TableQuery {
  /** MetricsQL, evaluated for now. */
  readonly expr: string;
  /** The title of the column. */
  readonly title: string;
  /** The unit of the column. @default - that of the panel */
  readonly unit?: PanelUnit;
  /** Colours the cells. @default - the colour says nothing */
  readonly thresholds?: Thresholds;
  /** Texts in the place of values, e.g. `{ 0: 'down', 1: 'up' }`. @default - none */
  readonly texts?: Readonly<Record<string, string>>;
}

/** Series of now as rows: their labels and values. */
export interface TableProps extends PanelProps {
  /** The labels that are shown, in this order, with the titles of their columns: `{ instance: 'Instance' }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** A column of values each; rows are joined by the labels. */
  readonly queries: readonly TableQuery[];
  /** The title of the column that the rows are ordered by, the largest first. @default - the order of the storage */
  readonly sortBy?: string;
}

/** Buckets of a histogram over time. */
export interface HeatmapProps extends PanelProps {
  /** `sum by (le) (increase(x_bucket[$__rate_interval]))`; `unit` is that of `le`. */
  readonly query: string;
}

/** Shares of a whole, of now. */
export interface PieProps extends PanelProps {
  /** A slice for each series. */
  readonly queries: readonly PanelQuery[];
}

const expressionCheck: Check = all(text(), metricsQlCheck);

const QUERY_SHAPE: Shape<PanelQuery> = { expr: expressionCheck, legend: text() };
const queriesCheck: Check = filledListOf(object<PanelQuery>(QUERY_SHAPE, 'expr'));

export const DASHBOARD_UID = /^[-\w]{1,40}$/;

const linkCheck: Check = (value, prop, problems) => {
  const toDashboard = typeof value === 'object' && value !== null && 'dashboard' in value;
  return toDashboard
    ? object<Extract<PanelLink, { dashboard: string }>>(
        { title: text(), dashboard: text(DASHBOARD_UID, 'the uid of a dashboard') },
        'title',
        'dashboard',
      )(value, prop, problems)
    : object<Extract<PanelLink, { url: string }>>(
        { title: text(), url: text(/^https?:\/\/./, 'a URL') },
        'title',
        'url',
      )(value, prop, problems);
};

const finite: Check = rule(Number.isFinite, 'must be a number', 'write for example 0');

const PANEL_SHAPE: Shape<PanelProps> = {
  title: text(),
  description: text(),
  unit: unitCheck,
  width: integer({ min: 1, max: 24 }),
  height: integer({ min: 2, max: 40 }),
  decimals: integer({ min: 0, max: 10 }),
  noValue: text(),
  links: listOf(linkCheck),
};

const REQUIRED = ['title', 'description', 'unit'] as const;

const timeSeriesCheck = object<TimeSeriesProps>(
  { ...PANEL_SHAPE, queries: queriesCheck, thresholds: thresholdsCheck, min: finite, max: finite, stack: boolean },
  ...REQUIRED,
  'queries',
);
const statCheck = object<StatProps>(
  { ...PANEL_SHAPE, queries: queriesCheck, thresholds: thresholdsCheck, texts: mapOf(anyText), sparkline: boolean },
  ...REQUIRED,
  'queries',
);
const tableCheck = object<TableProps>(
  {
    ...PANEL_SHAPE,
    labels: mapOf(text()),
    queries: filledListOf(
      object<TableQuery>(
        {
          expr: expressionCheck,
          title: text(),
          unit: unitCheck,
          thresholds: thresholdsCheck,
          texts: mapOf(anyText),
        },
        'expr',
        'title',
      ),
    ),
    sortBy: text(),
  },
  ...REQUIRED,
  'labels',
  'queries',
);
const heatmapCheck = object<HeatmapProps>({ ...PANEL_SHAPE, query: expressionCheck }, ...REQUIRED, 'query');
const pieCheck = object<PieProps>({ ...PANEL_SHAPE, queries: queriesCheck }, ...REQUIRED, 'queries');

function check(props: PanelProps, by: Check): void {
  by(props, `panel['${String((props as Partial<PanelProps> | undefined)?.title)}']`, new Refusals());
}

/** Makes panels. */
export class Panels {
  /** Lines over time. @throws InvalidValueError when a prop is wrong. */
  public static timeSeries(props: TimeSeriesProps): Panel {
    check(props, timeSeriesCheck);
    const { thresholds, min, max, stack = false } = props;
    return panel('timeseries', props, {
      targets: props.queries.map((query, index) => target(query, index, 'range')),
      defaults: {
        ...set({ min, max }),
        thresholds: thresholdSteps(thresholds),
        color: { mode: 'palette-classic' },
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: stack ? 30 : 10,
          showPoints: 'auto',
          spanNulls: false,
          stacking: { mode: stack ? 'normal' : 'none', group: 'A' },
          thresholdsStyle: { mode: thresholds ? 'dashed' : 'off' },
        },
      },
      options: {
        legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
    });
  }

  /** One large number for each series. @throws InvalidValueError when a prop is wrong. */
  public static stat(props: StatProps): Panel {
    check(props, statCheck);
    const { thresholds, texts, sparkline = false } = props;
    return panel('stat', props, {
      size: 4,
      targets: props.queries.map((query, index) => target(query, index, sparkline ? 'range' : 'instant')),
      defaults: {
        ...mappings(texts),
        thresholds: thresholdSteps(thresholds),
        color: thresholds ? { mode: 'thresholds' } : { mode: 'fixed', fixedColor: 'text' },
      },
      options: {
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        colorMode: thresholds ? 'background' : 'value',
        graphMode: sparkline ? 'area' : 'none',
        textMode: 'auto',
        justifyMode: 'auto',
        orientation: 'auto',
        wideLayout: true,
      },
    });
  }

  /** A row for each series, joined by their labels where there are several queries. @throws InvalidValueError when a prop is wrong. */
  public static table(props: TableProps): Panel {
    check(props, tableCheck);
    const { labels, queries, sortBy } = props;
    const fields = [
      ...Object.entries(labels),
      ...queries.map(({ title }, index) => [queries.length === 1 ? 'Value' : `Value #${refId(index)}`, title] as const),
    ];
    const twice = fields.map(([, title]) => title).find((title, index, all) => all.indexOf(title) !== index);
    const columns = fields.map(([, title]) => title);
    const problems = new Refusals();
    problems.when(twice !== undefined, {
      prop: `panel['${props.title}'].queries`,
      value: twice,
      rule: 'is the title of two columns',
      fix: 'give each column a title of its own',
    });
    problems.when(sortBy !== undefined && !columns.includes(sortBy), {
      prop: `panel['${props.title}'].sortBy`,
      value: sortBy,
      rule: 'is no column of the table',
      fix: `use one of ${columns.join(', ')}`,
    });
    return panel('table', props, {
      targets: queries.map((query, index) => target({ expr: query.expr }, index, 'table')),
      transformations: [
        ...(queries.length > 1 ? [{ id: 'merge', options: {} }] : []),
        { id: 'filterFieldsByName', options: { include: { names: fields.map(([name]) => name) } } },
        {
          id: 'organize',
          options: {
            indexByName: Object.fromEntries(fields.map(([name], index) => [name, index])),
            renameByName: Object.fromEntries(fields),
          },
        },
      ],
      defaults: { custom: { align: 'auto', filterable: true }, thresholds: thresholdSteps(undefined) },
      overrides: queries.map(({ title, unit = props.unit, thresholds, texts }) => ({
        matcher: { id: 'byName', options: title },
        properties: [
          { id: 'unit', value: unit },
          ...(texts ? [{ id: 'mappings', value: mappings(texts).mappings }] : []),
          ...(thresholds
            ? [
                { id: 'thresholds', value: thresholdSteps(thresholds) },
                { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
              ]
            : []),
        ],
      })),
      options: {
        showHeader: true,
        cellHeight: 'sm',
        ...(sortBy === undefined ? {} : { sortBy: [{ displayName: sortBy, desc: true }] }),
      },
    });
  }

  /** How many observations fell into each bucket of a histogram. @throws InvalidValueError when a prop is wrong. */
  public static heatmap(props: HeatmapProps): Panel {
    check(props, heatmapCheck);
    return panel('heatmap', props, {
      targets: [{ ...target({ expr: props.query, legend: '{{le}}' }, 0, 'range'), format: 'heatmap' }],
      defaults: { custom: { scaleDistribution: { type: 'linear' } } },
      options: {
        calculate: false,
        cellGap: 1,
        color: { mode: 'scheme', scheme: 'Oranges', scale: 'exponential', exponent: 0.5, steps: 64, reverse: false },
        // Empty buckets would hide which ones are in use.
        filterValues: { le: 1e-9 },
        rowsFrame: { layout: 'auto' },
        yAxis: { axisPlacement: 'left', unit: props.unit, reverse: false },
        cellValues: { unit: 'short' },
        showValue: 'never',
        legend: { show: true },
        tooltip: { mode: 'single', yHistogram: true, showColorScale: false },
      },
    });
  }

  /** A slice for each series. @throws InvalidValueError when a prop is wrong. */
  public static pie(props: PieProps): Panel {
    check(props, pieCheck);
    return panel('piechart', props, {
      targets: props.queries.map((query, index) => target(query, index, 'instant')),
      defaults: { color: { mode: 'palette-classic' } },
      options: {
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        pieType: 'donut',
        displayLabels: [],
        legend: { showLegend: true, displayMode: 'table', placement: 'right', values: ['value', 'percent'] },
        tooltip: { mode: 'single', sort: 'none' },
      },
    });
  }
}

/** What a type of panel has of its own. */
interface Own {
  readonly targets: readonly object[];
  readonly defaults: object;
  readonly overrides?: readonly object[];
  readonly options: object;
  readonly transformations?: readonly object[];
  /** Width and height. @default 8 */
  readonly size?: number;
}

function panel(type: string, props: PanelProps, own: Own): Panel {
  const { title, description, unit, decimals, noValue, links } = props;
  const { size = 8, targets, defaults, overrides = [], options, transformations } = own;
  return {
    title,
    width: props.width ?? size,
    height: props.height ?? size,
    model: {
      type,
      title,
      description,
      datasource: DATASOURCE,
      targets,
      fieldConfig: { defaults: { unit, ...set({ decimals, noValue }), ...defaults }, overrides },
      options,
      ...set({ transformations, links: links?.map(linkOf) }),
    },
  };
}

type Kind = 'range' | 'instant' | 'table';

function target({ expr, legend = '__auto' }: PanelQuery, index: number, kind: Kind): object {
  return {
    refId: refId(index),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    format: kind === 'table' ? 'table' : 'time_series',
    instant: kind !== 'range',
    range: kind === 'range',
    ...(kind === 'table' ? {} : { legendFormat: legend }),
  };
}

/** A to Z, then AA and so on. */
function refId(index: number): string {
  const before = Math.floor(index / 26);
  return (before === 0 ? '' : refId(before - 1)) + String.fromCharCode('A'.charCodeAt(0) + (index % 26));
}

function linkOf(link: PanelLink): object {
  return 'dashboard' in link
    ? { title: link.title, url: `/d/${link.dashboard}?\${__url_time_range}&\${__all_variables}` }
    : { title: link.title, url: link.url, targetBlank: true };
}

function mappings(texts: StatProps['texts']): { readonly mappings?: readonly object[] } {
  if (texts === undefined) return {};
  const options = Object.fromEntries(Object.entries(texts).map(([value, text], index) => [value, { index, text }]));
  return { mappings: [{ type: 'value', options }] };
}

/** Without what is not set. */
function set(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
