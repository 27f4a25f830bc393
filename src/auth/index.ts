export type { IpFilters, VmAuthAccess, VmAuthProps, VmAuthUser } from './props';
export type { VmAuthRoute } from './route-checks';
export { VmAuth } from './vm-auth';
