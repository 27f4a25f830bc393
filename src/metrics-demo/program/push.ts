import { readFile } from 'node:fs/promises';
import type { Auth } from '../../client';
import type { PushTarget } from './config';

/** For one push with all its tries: the process has to end within its grace period. */
export const PUSH_TIMEOUT_MILLISECONDS = 5000;

/** A way out by which the demo sends its metrics itself. */
export interface Push {
  /** How it is called in logs and in the answer to a flush. */
  readonly name: 'otlp' | 'remote-write';
  /** Sends what the metrics are now. @throws Error when the target does not take them */
  flush(): Promise<void>;
  /** Ends the pushes and frees what they hold; says nothing of the last values. */
  close(): Promise<void>;
}

/** Who pushes: the labels of all series, beside `job`. */
export type Identity = Readonly<Record<string, string>>;

/** The secrets are read again for each request, so that they can be rotated. */
export function authOf({ username, passwordFile, bearerTokenFile }: PushTarget): Auth | undefined {
  if (bearerTokenFile !== undefined) return { bearerToken: () => readFile(bearerTokenFile, 'utf8') };
  if (username === undefined || passwordFile === undefined) return undefined;
  return { username, password: () => readFile(passwordFile, 'utf8') };
}
