import { CredentialsError, InvalidArgumentError, VictoriaMetricsError } from './errors';

/**
 * A secret: the text, or a function that gives it. The function is called for each request, so that a rotated secret is
 * read again, as in `() => readFile('/etc/secrets/token', 'utf8')`. A line break at the end is removed.
 */
export type Secret = string | (() => string | Promise<string>);

/** HTTP basic authentication. */
export interface BasicAuth {
  /** Not empty, without a colon. */
  readonly username: string;
  readonly password: Secret;
}

/** A bearer token, as vmauth and most proxies take it. */
export interface BearerAuth {
  /** What follows `Bearer`. */
  readonly bearerToken: Secret;
}

/** How requests are authenticated. */
export type Auth = BasicAuth | BearerAuth;

/** Gives the value of the `Authorization` header; without waiting where the secret is plain text. */
export type AuthorizationHeader = () => string | undefined | Promise<string>;

/** What a header may carry of a token: visible ASCII. https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
const TOKEN = /^[\x21-\x7e]+$/;
const CONTROL = /\p{Cc}/u;

/**
 * Makes the value of the `Authorization` header as the client does, for requests of other clients to the same server.
 *
 * @throws InvalidArgumentError when the credentials cannot be sent; what is returned, CredentialsError when the secret
 * cannot be got or sent
 */
export function authorizationHeader(auth: Auth | undefined): AuthorizationHeader {
  if (auth === undefined) return () => undefined;
  if ('bearerToken' in auth) {
    if ('username' in auth || 'password' in auth) {
      throw new InvalidArgumentError('auth: both a user and a bearerToken are given; give one of them');
    }
    return fromSecret('auth.bearerToken', auth.bearerToken, bearerHeader);
  }
  const { username } = auth;
  if (typeof username !== 'string' || username === '' || username.includes(':') || CONTROL.test(username)) {
    throw new InvalidArgumentError(
      `auth.username: ${JSON.stringify(username)} is not a user name; it is not empty and holds no colon and no control character`,
    );
  }
  return fromSecret('auth.password', auth.password, (password) => basicHeader(username, password));
}

function fromSecret(name: string, secret: Secret, header: (secret: string) => string): AuthorizationHeader {
  if (typeof secret === 'string') {
    const value = header(secret);
    return () => value;
  }
  if (typeof secret !== 'function') throw missingSecret(name);
  return async () => {
    const value = await resolveSecret(name, secret);
    try {
      return header(value);
    } catch (error) {
      throw error instanceof VictoriaMetricsError ? new CredentialsError(error.message) : error;
    }
  };
}

/**
 * The text of a secret, without a line break at its end.
 *
 * @throws CredentialsError when the function that gives it fails or gives something else
 */
export async function resolveSecret(name: string, secret: Secret): Promise<string> {
  if (typeof secret === 'string') return withoutLineBreak(secret);
  if (typeof secret !== 'function') throw missingSecret(name);
  let value: unknown;
  try {
    value = await secret();
  } catch (cause) {
    throw new CredentialsError(`${name}: the function that gives it failed`, { cause });
  }
  if (typeof value !== 'string') {
    throw new CredentialsError(`${name}: the function gave a value of type ${typeof value}; it must give a string`);
  }
  return withoutLineBreak(value);
}

function missingSecret(name: string): InvalidArgumentError {
  return new InvalidArgumentError(`${name}: missing; give a string or a function that returns one`);
}

// The messages below never repeat the secret.

function bearerHeader(secret: string): string {
  const token = withoutLineBreak(secret);
  if (!TOKEN.test(token)) {
    throw new InvalidArgumentError(
      'auth.bearerToken: empty, or holds a character that a header cannot carry; give visible ASCII characters only',
    );
  }
  return `Bearer ${token}`;
}

function basicHeader(username: string, secret: string): string {
  const password = withoutLineBreak(secret);
  if (CONTROL.test(password)) {
    throw new InvalidArgumentError('auth.password: holds a control character; remove it');
  }
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function withoutLineBreak(secret: string): string {
  return secret.replace(/\r?\n$/, '');
}
