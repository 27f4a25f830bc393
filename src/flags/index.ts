export * from './flag-set';
export * from './types';
export * from './catalogue/victoria-metrics';
export * from './catalogue/vmagent';
export * from './catalogue/vmauth';
export * from './catalogue/vminsert';
export * from './catalogue/vmselect';
export * from './catalogue/vmstorage';
