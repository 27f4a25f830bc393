import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { environmentApps } from '../../charts/app';
import type { Manifest } from './manifest';

/** The objects of every environment, as an API server would read them. Nothing is written. */
export function synthesizedEnvironments(): [environment: string, objects: Manifest[]][] {
  return [...environmentApps(join(tmpdir(), 'cdk8s-victoriametrics'))].map(([name, app]) => [
    name,
    parseManifests(app.synthYaml()),
  ]);
}

/** Kubernetes reads YAML 1.1, where an unquoted `yes` or `0777` is not a string. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}
