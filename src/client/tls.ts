import type { AgentOptions } from 'node:https';

/** One or several texts in PEM. */
export type Pem = string | Buffer | readonly (string | Buffer)[];

/** How servers with `https` are recognized, and the client by them. */
export interface TlsOptions {
  /** The certificates of the authorities that are trusted, in PEM. @default - the authorities that Node.js knows */
  readonly ca?: Pem;
  /** The certificate of the client, in PEM, with those between it and its authority. @default - none */
  readonly cert?: string | Buffer;
  /** The private key of the client's certificate, in PEM. @default - none */
  readonly key?: string | Buffer;
  /** The password of the key. @default - none */
  readonly passphrase?: string;
  /** The name that the server's certificate must have, and that it is told. @default - the host of the URL */
  readonly serverName?: string;
  /** The oldest version of TLS that is spoken. @default - that of Node.js, which is 1.2 */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Talk to a server whatever certificate it has: anyone in between can read and change all. @default false */
  readonly insecureSkipVerify?: boolean;
}

/** @returns only what is set, so that nothing else is overridden */
export function tlsAgentOptions(tls: TlsOptions | undefined): AgentOptions {
  if (tls === undefined) return {};
  const { serverName, insecureSkipVerify, ...same } = tls;
  const options = {
    ...same,
    servername: serverName,
    rejectUnauthorized: insecureSkipVerify === true ? false : undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
