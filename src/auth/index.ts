export type { IpFilters, VmAuthAccess, VmAuthProps, VmAuthUser } from './props';
export type { VmAuthRoute } from './route';
export { VmAuth } from './vm-auth';
