export { dashboard } from './dashboard';
export type { DashboardLayer, DashboardProps, Row } from './dashboard';
export type { DashboardModel } from './model';
export { Panels } from './panels';
export type {
  HeatmapProps,
  Panel,
  PanelLink,
  PanelProps,
  PieProps,
  Query,
  StatProps,
  TableProps,
  TableQuery,
  TimeSeriesProps,
} from './panels';
export type { Thresholds } from './thresholds';
export type { Unit } from './units';
export { Variables } from './variables';
export type { LabelValuesProps, LabelVariableProps, Variable } from './variables';
