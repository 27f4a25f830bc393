export * from './amounts';
export * from './problem';
export * from './shape';
export * from './suggestion';
