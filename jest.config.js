/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  // The tests with processes mostly wait.
  maxWorkers: '100%',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  // @kubernetes/client-node and some of its dependencies are ESM only: let swc turn them into CommonJS as well.
  transform: {
    '^.+\\.[jt]s$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: [
    '/node_modules/(?!(@kubernetes/client-node|jsonpath-plus|openid-client|oauth4webapi|jose)/)',
  ],
};
