/** Label names and values, the metric name under `__name__`. */
export type Labels = Readonly<Record<string, string>>;

/** The label that holds the metric name. */
export const METRIC_NAME = '__name__';

/** What a label may be called: https://prometheus.io/docs/concepts/data_model/ */
export const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** What a metric may be called. */
export const METRIC_NAME_VALUE = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
/** Half of a surrogate pair, which UTF-8 cannot carry. */
export const LONE_SURROGATE = /\p{Surrogate}/u;
