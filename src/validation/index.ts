export * from './problem';
export * from './shape';
export * from './suggestion';
