export { dashboard } from './dashboard';
export type { DashboardLayer, DashboardProps, DashboardRow } from './dashboard';
export type { DashboardModel } from './model';
export { Panels } from './panels';
export type {
  HeatmapProps,
  Panel,
  PanelLink,
  PanelProps,
  PieProps,
  PanelQuery,
  StatProps,
  TableProps,
  TableQuery,
  TimeSeriesProps,
} from './panels';
export type { Thresholds } from './thresholds';
export type { PanelUnit } from './units';
export { Variables } from './variables';
export type { LabelValuesProps, LabelVariableProps, DashboardVariable } from './variables';
