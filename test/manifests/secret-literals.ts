import { flagsOf } from './flags';
import {
  configMapTexts,
  containerTexts,
  ofKind,
  titleOf,
  workloads,
  type Manifest,
  type Policy,
  type PodText,
} from './manifest';

/** What stands for a secret that is read elsewhere: a file, or a variable in one of the notations in use. */
const REFERENCE = String.raw`(?:file:|/|%\{|\|[-+\d]*\s+%\{|\$\{|\$\(|\$__|<|\*{3}|(?:true|false|null|none)\b)`;

const SECRET_WORD =
  'passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|auth[-_]?key|routing[-_]key|service[-_]key|credentials?';

const LITERALS: Readonly<Record<string, RegExp>> = {
  'a URL with a password': new RegExp(String.raw`[a-z][a-z0-9+.-]*://[^/\s:@"']*:(?!${REFERENCE})[^/\s@"']+@`, 'i'),
  'a literal secret': new RegExp(
    String.raw`(?:${SECRET_WORD})["']?[ \t]*[=:][ \t]*(["']?)(?!${REFERENCE}|["'{[]|\s)[^\s"']+\1`,
    'i',
  ),
  'a bearer token': new RegExp(String.raw`\bBearer[ \t]+(?!${REFERENCE})[\w.~+/-]{8,}`, 'i'),
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  'a webhook with its secret': /hooks\.slack\.com\/services\/\w/,
};

const SECRET_VARIABLE = new RegExp(`(?:${SECRET_WORD})$`, 'i');

/** No secret stands in a manifest: neither in args and environment, nor in annotations and config files. */
export const noSecretLiterals: Policy = (objects) => [
  ...textsOf(objects).flatMap(({ place, text }) =>
    Object.entries(LITERALS).flatMap(([what, pattern]) => (pattern.test(text) ? [`${place}: holds ${what}`] : [])),
  ),
  ...workloads(objects).flatMap(({ title, containers }) =>
    containers.flatMap((container) => [
      ...flagsOf(container)
        .filter(({ type, value }) => (type === 'secret' || type === 'secretArray') && !/^(file:|%\{)/.test(value))
        .map(
          ({ name }) => `${title}: container ${container.name}: -${name}: a secret is given as a file or %{VARIABLE}`,
        ),
      ...(container.env ?? [])
        .filter(({ name, value }) => SECRET_VARIABLE.test(name) && value !== undefined)
        .map(({ name }) => `${title}: container ${container.name}: env ${name}: a secret is given by valueFrom`),
    ]),
  ),
];

/** `kubectl apply` keeps the whole object in an annotation, and all annotations of an object have 256 KiB. */
const APPLIED_LIMIT_BYTES = 256 * 1024;

export const configMapSize: Policy = (objects) =>
  ofKind(objects, 'ConfigMap').flatMap((object) => {
    const bytes = Buffer.byteLength(JSON.stringify(object));
    return bytes < APPLIED_LIMIT_BYTES ? [] : [`${titleOf(object)}: has ${bytes} bytes, not less than 256 KiB`];
  });

/** Code, which has assignments of all kinds. */
const PROGRAM = '.js';

function textsOf(objects: readonly Manifest[]): PodText[] {
  const all = workloads(objects);
  return [
    ...all.flatMap(containerTexts),
    ...all.flatMap(({ title, podAnnotations }) => annotationTexts(`${title}: pods`, podAnnotations)),
    ...objects.flatMap((object) => annotationTexts(titleOf(object), object.metadata.annotations)),
    ...ofKind(objects, 'ConfigMap')
      .flatMap(configMapTexts)
      .filter(({ place }) => !place.endsWith(PROGRAM)),
  ];
}

function annotationTexts(subject: string, annotations: Readonly<Record<string, string>> = {}): PodText[] {
  return Object.entries(annotations).map(([key, value]) => ({
    place: `${subject}: annotation ${key}`,
    text: `${key}: ${value}`,
  }));
}
