import { readFileSync } from 'node:fs';
import type { Document } from 'yaml';
import { InvalidValueError } from './problem';
import { yaml } from './yaml';

/**
 * Reads a YAML file. Scalars stay the text that stands there, since only the field tells whether `1.10` is a number.
 *
 * @throws InvalidValueError when there is no such file, or it is no YAML
 */
export function readYamlFile(path: string): Document.Parsed {
  const refuse = (rule: string, fix: string): never => {
    throw new InvalidValueError({ prop: 'path', value: path, rule, fix });
  };
  const document = yaml().parseDocument(textOf(path, refuse), { schema: 'failsafe', merge: true });
  const [error] = document.errors;
  if (error) refuse(`the file is no YAML: ${error.message.split('\n', 1)[0]!.replace(/:$/, '')}`, 'correct the file');
  return document;
}

function textOf(path: string, refuse: (rule: string, fix: string) => never): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return refuse(
      `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      'name a file by its path from the folder that the app is run in',
    );
  }
}
