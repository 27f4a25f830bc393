import { ShapeError } from './answer';
import type { Secret } from './auth';
import type { RequestOptions } from './form';

/** Options of a call about a server itself. */
export interface ServerOptions extends RequestOptions {
  /** Which server is asked: that of `readUrl` or that of `writeUrl`. @default 'read', or the only one there is */
  readonly server?: 'read' | 'write';
  /** The key that the server wants for it (`-metricsAuthKey`, `-flagsAuthKey`). @default - none */
  readonly authKey?: Secret;
}

/** Options of a deletion. */
export interface DeleteSeriesOptions extends RequestOptions {
  /** The key that the server wants for it (`-deleteAuthKey`). @default - none */
  readonly authKey?: Secret;
}

const FLAG = /^-([^=]+)="((?:[^"\\]|\\.)*)"$/;

/**
 * Reads lines such as `-retentionPeriod="1"`, whose values are written as strings of Go.
 *
 * @throws ShapeError when a line is none
 */
export function parseFlags(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = FLAG.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        throw new ShapeError(`the line ${JSON.stringify(line.slice(0, 100))} is not a flag`);
      }
      return [name, unquote(value)];
    }),
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** https://go.dev/ref/spec#String_literals, as `%q` writes them */
function unquote(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g, (_, x, u, long, one: string) => {
    const code = (x ?? u ?? long) as string | undefined;
    return code === undefined ? (ESCAPES[one] ?? one) : String.fromCodePoint(parseInt(code, 16));
  });
}
