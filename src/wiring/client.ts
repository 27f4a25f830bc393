import {
  all,
  anyText,
  boolean,
  inTheClear,
  mapOf,
  namesSecretHeader,
  object,
  rule,
  text,
  type Check,
} from '../validation';
import { secretRefCheck, type SecretRef } from '../values';
import type { Credentials } from './endpoint';

/** TLS of a client. */
export interface ClientTls {
  /** The certificates of the authorities that the server's must be signed by, in PEM. @default - those of the system */
  readonly ca?: SecretRef;
  /** The client's certificate, in PEM. @default - none */
  readonly cert?: SecretRef;
  /** The key of the client's certificate, in PEM. @default - none */
  readonly key?: SecretRef;
  /** The name that the server's certificate must have. @default - the host of the URL */
  readonly serverName?: string;
  /** Accepts any certificate, and so anybody in between. @default false */
  readonly insecureSkipVerify?: boolean;
}

export const clientTlsCheck: Check = all(
  object<ClientTls>({
    ca: secretRefCheck,
    cert: secretRefCheck,
    key: secretRefCheck,
    serverName: text(),
    insecureSkipVerify: boolean,
  }),
  (value, prop, problems) => {
    const { cert, key } = value as ClientTls;
    problems.when((cert === undefined) !== (key === undefined), {
      prop: `${prop}.${cert ? 'key' : 'cert'}`,
      value: undefined,
      rule: 'a client shows its certificate with its key, not one of them alone',
      fix: `set \`${prop}.cert\` and \`${prop}.key\`, or neither`,
    });
    return value;
  },
);

/** The Secrets that a client sends, or shows by TLS: to mount as files. */
export function clientSecrets(credentials: Credentials | undefined, { ca, cert, key }: ClientTls = {}): SecretRef[] {
  const sent = credentials && ('bearerToken' in credentials ? credentials.bearerToken : credentials.password);
  return [sent, ca, cert, key].filter((ref) => ref !== undefined);
}

const headerValue = all(
  anyText,
  rule((value) => !/[\r\n]/.test(value as string), 'a header is one line', 'remove the line breaks'),
);

/** Headers that a client sends; they stand in the manifest in the clear. */
export const clientHeadersCheck: Check = all(mapOf(headerValue), (value, prop, problems) => {
  for (const name of Object.keys(value as object)) {
    problems.when(!/^[-\w]+$/.test(name), {
      prop: `${prop}['${name}']`,
      value: name,
      rule: 'the name of a header consists of letters, digits, - and _',
      fix: 'correct the name',
    });
    problems.when(namesSecretHeader(name), {
      prop: `${prop}['${name}']`,
      value: '***',
      rule: inTheClear('manifest'),
      fix: 'pass `credentials` with a SecretRef to the endpoint instead',
    });
  }
  return value;
});
