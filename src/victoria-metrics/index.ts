export * from './api-paths';
export * from './ingestion';
export * from './query';
export * from './server';
export * from './storage';
