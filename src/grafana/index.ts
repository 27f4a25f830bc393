export type { DashboardModel } from './dashboards';
export { DashboardFolder, Dashboards } from './dashboards';
export type { DatasourceProps, DatasourceType } from './datasource';
export { Grafana } from './grafana';
export type {
  AnonymousGrafanaProps,
  GrafanaAdmin,
  GrafanaBaseProps,
  GrafanaDatabase,
  GrafanaOAuth,
  GrafanaPlugin,
  GrafanaProps,
  GrafanaSmtp,
  GrafanaWithUsersProps,
} from './props';
export type { GrafanaSettings } from './settings';
