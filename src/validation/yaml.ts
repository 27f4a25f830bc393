import type * as Yaml from 'yaml';

/** The YAML parser, loaded when it is first needed: most apps read no file, and start faster without. */
export function yaml(): typeof Yaml {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would be loaded at once
  return require('yaml') as typeof Yaml;
}
