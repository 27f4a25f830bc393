export * from './cidr';
export * from './client';
export * from './connections';
export * from './endpoint';
export * from './endpoint-checks';
export * from './peer';
export * from './scrape-target';
