export * from './vm-single';
