export * from './amounts';
export * from './problem';
export * from './secret-name';
export * from './shape';
export * from './suggestion';
export * from './regular-expression';
export * from './yaml';
