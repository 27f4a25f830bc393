import { Rules } from '../src';

/** All rules of this folder. Those about programs that do not run stay silent, so they fit every stack. */
export function allRules(): Rules {
  return Rules.fromDirectory(__dirname);
}
