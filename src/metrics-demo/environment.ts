/** What the construct and the program of metrics-demo agree on. */

/** All scenarios. */
export const SCENARIOS = [
  'normal',
  'high-errors',
  'high-latency',
  'traffic-drop',
  'queue-backlog',
  'memory-growth',
] as const;

/** What can be made to happen, so that alerts fire; `normal` ends all others. */
export type Scenario = (typeof SCENARIOS)[number];

/** The port that the program listens on. */
export const PORT = 8080;

/** The job of the pages that are scraped; what is pushed adds the way to it. */
export const JOB = 'metrics-demo';

/** From one push to the next, unless the environment says otherwise. */
export const PUSH_INTERVAL_SECONDS = 15;

/** The environment variables that the program reads; each may be missing. */
export type Variable =
  | 'DEPLOYMENT_ENVIRONMENT'
  | 'LISTEN_ADDRESS'
  | 'LOG_LEVEL'
  | 'MEMORY_LIMIT_BYTES'
  | 'OTLP_BEARER_TOKEN_FILE'
  | 'OTLP_PASSWORD_FILE'
  | 'OTLP_URL'
  | 'OTLP_USERNAME'
  | 'POD_NAME'
  | 'POD_NAMESPACE'
  | 'PUSH_INTERVAL_SECONDS'
  | 'REMOTE_WRITE_BEARER_TOKEN_FILE'
  | 'REMOTE_WRITE_PASSWORD_FILE'
  | 'REMOTE_WRITE_URL'
  | 'REMOTE_WRITE_USERNAME'
  | 'SCENARIO'
  | 'SCRAPE'
  | 'SEED';
