import { hostname } from 'node:os';
import { PORT, PUSH_INTERVAL_SECONDS, SCENARIOS, type Scenario, type Variable } from '../environment';
import { LOG_LEVELS, type LogLevel } from './log';

/** The path of remote write; what stands before it is the URL of the store. */
export const REMOTE_WRITE_PATH = '/api/v1/write';

/** Where metrics are pushed to. Secrets are in files, which are read again for each push. */
export interface PushTarget {
  readonly url: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly bearerTokenFile?: string;
}

/** The target of OTLP. */
export interface OtlpTarget extends PushTarget {
  /** The attribute `deployment.environment.name` of the resource. @default - none */
  readonly environment?: string;
}

/** What the environment says. */
export interface Config {
  /** @default - all addresses */
  readonly host?: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly memoryLimitBytes: number;
  /** The label `pod`. */
  readonly pod: string;
  /** The label `namespace`. @default - none */
  readonly namespace?: string;
  readonly pushIntervalSeconds: number;
  readonly scenario: Scenario;
  readonly scrape: boolean;
  readonly seed: number;
  /** @default - nothing is pushed */
  readonly otlp?: OtlpTarget;
  /** @default - nothing is pushed */
  readonly remoteWrite?: PushTarget;
}

/** All that is wrong with the environment, a line each. */
export class ConfigError extends Error {
  public constructor(public readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ConfigError with all that is wrong. */
export function readConfig(env: Environment): Config {
  const reader = new Reader(env);
  const { host, port } = reader.address('LISTEN_ADDRESS', `:${PORT}`);
  const config: Config = {
    host,
    port,
    logLevel: reader.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    memoryLimitBytes: reader.integer('MEMORY_LIMIT_BYTES', 1, 256 * 1024 * 1024),
    pod: reader.text('POD_NAME') ?? hostname(),
    namespace: reader.text('POD_NAMESPACE'),
    pushIntervalSeconds: reader.integer('PUSH_INTERVAL_SECONDS', 1, PUSH_INTERVAL_SECONDS),
    scenario: reader.choice('SCENARIO', SCENARIOS, 'normal'),
    scrape: reader.choice('SCRAPE', ['true', 'false'], 'true') === 'true',
    seed: reader.integer('SEED', 0, 1),
    otlp: reader.otlp(),
    remoteWrite: reader.target('REMOTE_WRITE'),
  };
  if (!config.scrape && !config.otlp && !config.remoteWrite) {
    reader.problem(
      'SCRAPE',
      'false, and nothing is pushed either: nobody would see a metric; set OTLP_URL or REMOTE_WRITE_URL',
    );
  }
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return config;
}

class Reader {
  public readonly problems: string[] = [];

  public constructor(private readonly env: Environment) {}

  public problem(name: Variable, text: string): void {
    this.problems.push(`${name}: ${text}`);
  }

  public text(name: Variable): string | undefined {
    return this.env[name] === '' ? undefined : this.env[name];
  }

  public integer(name: Variable, least: number, standard: number): number {
    const text = this.text(name);
    if (text === undefined) return standard;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    this.problem(name, `${JSON.stringify(text)} is no whole number of at least ${least}`);
    return standard;
  }

  public choice<T extends string>(name: Variable, choices: readonly T[], standard: T): T {
    const text = this.text(name);
    const chosen = text === undefined ? standard : choices.find((choice) => choice === text);
    if (chosen !== undefined) return chosen;
    this.problem(name, `${JSON.stringify(text)} is none of ${choices.join(', ')}`);
    return standard;
  }

  /** `host:port`, or `:port` for all addresses. */
  public address(name: Variable, standard: string): { readonly host?: string; readonly port: number } {
    const text = this.text(name) ?? standard;
    const [, host, port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      this.problem(name, `${JSON.stringify(text)} is no address; write for example :${PORT} or 127.0.0.1:${PORT}`);
      return { port: PORT };
    }
    const bare = host?.replace(/^\[|\]$/g, '');
    return { host: bare === '' ? undefined : bare, port: Number(port) };
  }

  public otlp(): OtlpTarget | undefined {
    const target = this.target('OTLP');
    return target && { ...target, environment: this.text('DEPLOYMENT_ENVIRONMENT') };
  }

  public target(prefix: 'OTLP' | 'REMOTE_WRITE'): PushTarget | undefined {
    const url = this.text(`${prefix}_URL`);
    const username = this.text(`${prefix}_USERNAME`);
    const passwordFile = this.text(`${prefix}_PASSWORD_FILE`);
    const bearerTokenFile = this.text(`${prefix}_BEARER_TOKEN_FILE`);
    if ((username === undefined) !== (passwordFile === undefined)) {
      this.problem(`${prefix}_USERNAME`, `basic auth wants it and ${prefix}_PASSWORD_FILE`);
    }
    if (username !== undefined && bearerTokenFile !== undefined) {
      this.problem(`${prefix}_BEARER_TOKEN_FILE`, `set with ${prefix}_USERNAME; a request has one kind of credentials`);
    }
    if (url === undefined) {
      if (username ?? bearerTokenFile) this.problem(`${prefix}_URL`, 'missing, but there are credentials for it');
      return undefined;
    }
    const problem = urlProblem(prefix, url);
    if (problem !== undefined) this.problem(`${prefix}_URL`, problem);
    return { url, username, passwordFile, bearerTokenFile };
  }
}

/** What is wrong with the URL of a target. The text may hold a password, so it is not repeated. */
function urlProblem(prefix: 'OTLP' | 'REMOTE_WRITE', text: string): string | undefined {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) return 'is no URL with http or https';
  const { username, password, search, hash } = new URL(text);
  if (username + password !== '') {
    return `holds a user or password; give them with ${prefix}_USERNAME and ${prefix}_PASSWORD_FILE`;
  }
  if (prefix === 'REMOTE_WRITE' && (!text.endsWith(REMOTE_WRITE_PATH) || search + hash !== '')) {
    return `does not end in ${REMOTE_WRITE_PATH}, as remote write does; write for example http://store:8428${REMOTE_WRITE_PATH}`;
  }
  return undefined;
}
