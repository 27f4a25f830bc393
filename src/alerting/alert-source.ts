/** Where the links of alerts lead that `AlertSource` makes. */
export interface GrafanaExploreProps {
  /** The uid of the data source in Grafana. */
  readonly datasource: string;
  /** How far back the page looks, in Grafana's notation. @default 'now-1h' */
  readonly from?: string;
}

/** Templates for `alertSource` of a vmalert. */
export class AlertSource {
  /** The query of the alert on the Explore page of Grafana, whose root must be the `externalUrl` of the vmalert. */
  public static grafanaExplore({ datasource, from = 'now-1h' }: GrafanaExploreProps): string {
    const [before = '', after = ''] = JSON.stringify({
      a: { datasource, queries: [{ refId: 'A', expr: EXPR }], range: { from, to: 'now' } },
    }).split(`"${EXPR}"`);
    const pane = `${encodeURIComponent(before)}{{.Expr|jsonEscape|queryEscape}}${encodeURIComponent(after)}`;
    return `explore?schemaVersion=1&panes=${pane}`;
  }
}

/** Holds the place of the expression. */
const EXPR = 'EXPR';
