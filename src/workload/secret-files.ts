import type { SecretRef } from '../values';
import type { Credentials } from '../wiring';
import type { Volume, VolumeMount } from './kubernetes';

/** The file at which a key of a Secret is mounted. */
export function secretPath(ref: SecretRef): string {
  return `${folderOf(ref.secretName)}/${ref.key}`;
}

/** Credentials as programs take them by flags or variables: what is secret from a file. */
export interface CredentialFiles {
  readonly username?: string;
  readonly passwordFile?: string;
  readonly bearerTokenFile?: string;
}

export function credentialFiles(credentials: Credentials | undefined): CredentialFiles {
  if (credentials === undefined) return {};
  return 'bearerToken' in credentials
    ? { bearerTokenFile: secretPath(credentials.bearerToken) }
    : { username: credentials.username, passwordFile: secretPath(credentials.password) };
}

/** A volume for each Secret, with just the keys that are referred to. */
export function secretVolumes(refs: readonly SecretRef[]): Volume[] {
  return namesOf(refs).map((secretName, index) => {
    const keys = new Set(refs.filter((ref) => ref.secretName === secretName).map(({ key }) => key));
    const items = [...keys].sort().map((key) => ({ key, path: key }));
    return { name: volumeName(index), secret: { secretName, items } };
  });
}

export function secretMounts(refs: readonly SecretRef[]): VolumeMount[] {
  return namesOf(refs).map((secretName, index) => ({
    name: volumeName(index),
    mountPath: folderOf(secretName),
    readOnly: true,
  }));
}

function namesOf(refs: readonly SecretRef[]): string[] {
  return [...new Set(refs.map(({ secretName }) => secretName))].sort();
}

/** Names of Secrets may be longer than names of volumes. */
function volumeName(index: number): string {
  return `secret-${index}`;
}

function folderOf(secretName: string): string {
  return `/etc/secrets/${secretName}`;
}
