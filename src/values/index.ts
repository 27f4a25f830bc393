export * from './cpu';
export * from './duration';
export * from './image';
export * from './images';
export * from './kubernetes-name';
export * from './retention';
export * from './secret-ref';
export * from './tenant';
