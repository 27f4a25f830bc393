export type { ExternalStorageNode, VmClusterProps, VmInsertProps, VmSelectProps, VmStorageProps } from './props';
export { VmCluster } from './vm-cluster';
export { VmInsert } from './vminsert';
export { VmSelect } from './vmselect';
export { VmStorage } from './vmstorage';
