/** The variable that chooses the data source: of each tenant there is one. */
export const DATASOURCE_VARIABLE = 'datasource';

/** What all panels and variables ask. */
export const DATASOURCE = { type: 'prometheus', uid: `\${${DATASOURCE_VARIABLE}}` } as const;
