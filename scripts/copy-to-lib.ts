/** Puts what is no TypeScript beside the compiled files: the rules, and the program of the demo. */
import { cpSync } from 'node:fs';

cpSync('rules', 'lib/rules', {
  recursive: true,
  filter: (path) => !/\.test\.yaml$|\.ts$/.test(path),
});
cpSync('src/metrics-demo/bundle', 'lib/src/metrics-demo/bundle', { recursive: true });
