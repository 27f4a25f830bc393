export { AlertSource, type GrafanaExploreProps } from './alert-source';
export type { VmAlertProps } from './props';
export type { AlertingRule, AnyRule, RecordingRule, RuleGroup } from './rule-group';
export { Rules, type RulesProps } from './rules';
export { Slo, SLO_SERIES, type SloProps } from './slo';
export { VmAlert } from './vm-alert';
