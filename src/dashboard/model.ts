/** A dashboard in the JSON model of Grafana. */
export interface DashboardModel {
  /** Stands in the URL and in links: at most 40 letters, digits, - and _; unique. */
  readonly uid: string;
  /** Unique in its folder. */
  readonly title: string;
  readonly [field: string]: unknown;
}
