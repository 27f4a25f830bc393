import { readdirSync } from 'node:fs';
import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The house, from the ground up: a room may import from the rooms below it, never from above.
 * client stands alone; metrics-demo and verify stand on it.
 */
const STOREYS = [
  ['validation'],
  ['values'],
  ['flags'],
  ['wiring'],
  ['workload'],
  ['scrape', 'victoria-metrics', 'dashboard'],
  [
    'cluster',
    'single',
    'agent',
    'auth',
    'exporters',
    'prometheus',
    'opentelemetry',
    'exposure',
    'alerting',
    'alertmanager',
    'grafana',
    'metrics-demo',
  ],
];

const STANDING_ALONE = ['client', 'verify'];
for (const { name } of readdirSync(new URL('src', import.meta.url), { withFileTypes: true }).filter((entry) =>
  entry.isDirectory(),
)) {
  if (![...STOREYS.flat(), ...STANDING_ALONE].includes(name)) {
    throw new Error(`src/${name} is on no storey: say in eslint.config.mjs from which rooms it may import`);
  }
}

const noImportUpwards = STOREYS.flatMap((rooms, level) => {
  const above = STOREYS.slice(level + 1).flat();
  return rooms.map((room) => ({
    target: room === 'metrics-demo' ? `./src/${room}/*.ts` : `./src/${room}`,
    from: [
      ...above.map((other) => `./src/${other}`),
      ...rooms.filter((other) => other !== room).map((other) => `./src/${other}`),
      './src/client',
      './src/index.ts',
    ],
    message:
      'imports go one way: charts -> components -> victoria-metrics, scrape -> workload -> wiring -> flags -> values -> validation',
  }));
});

/** The program runs in a pod, the construct where manifests are made: they agree on the environment and nothing else. */
const METRICS_DEMO = [
  {
    target: './src/metrics-demo/program',
    from: './src',
    except: ['./client', './metrics-demo/program', './metrics-demo/environment.ts'],
    message: 'the program of metrics-demo imports only the client',
  },
  {
    target: './src/metrics-demo/*.ts',
    from: './src/metrics-demo/program',
    message: 'the construct takes the program as the bundle',
  },
];

export default tseslint.config(
  {
    ignores: [
      'lib/',
      'dist/',
      'dist-examples/',
      'coverage/',
      'node_modules/',
      'src/metrics-demo/bundle/',
      '*.js',
      '*.mjs',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...noImportUpwards,
            { target: './src/client', from: './src', except: ['./client'], message: 'the client stands alone' },
            {
              target: './src/verify',
              from: './src',
              except: ['./verify', './client'],
              message: 'verify looks at what is deployed, not at what made it: it imports only the client',
            },
            ...METRICS_DEMO,
            { target: './src', from: ['./charts', './examples', './test', './bench', './dashboards', './rules'] },
          ],
        },
      ],
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowAny: false, allow: [{ from: 'file', name: 'Tenant' }] },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Structural typing is what lets the Cpu of cdk8s-plus stand where ours is expected.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // The ! says what the loop around it has just made sure of.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Value classes are namespaces of factories.
      '@typescript-eslint/no-extraneous-class': 'off',
      // A getter that subclasses override is no field.
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['test/**', 'bench/**', 'scripts/**'],
    rules: {
      '@typescript-eslint/explicit-function-return-type': 'off',
      // Tests look deep into parsed YAML and JSON, whose shape is just what they check.
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
    },
  },
  prettier,
);
