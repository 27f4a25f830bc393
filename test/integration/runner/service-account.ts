import { generateKeyPairSync, sign } from 'node:crypto';

/** Where Kubernetes mounts what a pod needs to use its API. */
export const SERVICE_ACCOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The files there. No API server knows the token, and nobody has the certificate. */
export function serviceAccountFiles(namespace: string): Readonly<Record<string, string>> {
  return { token: 'token-of-the-service-account', namespace, 'ca.crt': selfSignedCertificate() };
}

/** Readers of a certificate check that it is one. @see RFC 5280, section 4.1 */
function selfSignedCertificate(): string {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const algorithm = sequence(der(0x06, Buffer.from([0x2b, 0x65, 0x70])));
  const commonName = sequence(der(0x06, Buffer.from([0x55, 0x04, 0x03])), der(0x0c, Buffer.from('kubernetes')));
  const name = sequence(der(0x31, commonName));
  const validity = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')));
  const serial = der(0x02, Buffer.from([1]));
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const content = sequence(serial, algorithm, name, validity, name, key);
  const signature = der(0x03, Buffer.from([0]), sign(null, content, privateKey));
  const base64 = sequence(content, algorithm, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function sequence(...content: Buffer[]): Buffer {
  return der(0x30, ...content);
}

/** A value in the encoding of certificates: its tag, its length, its bytes. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  // A longer one would need one more byte for its length.
  if (body.length > 0xff) throw new Error(`${body.length} bytes: the certificate has longer parts than foreseen`);
  return Buffer.concat([Buffer.from([tag, ...(body.length < 0x80 ? [] : [0x81]), body.length]), body]);
}
