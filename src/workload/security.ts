import type { ContainerSecurityContext } from './kubernetes';

/** The user and group that pods run as. */
export interface RunAs {
  /** The id of the user. @default 65534 (nobody) */
  readonly user?: number;
  /** The id of the group. @default 65534 (nogroup) */
  readonly group?: number;
  /** The group that owns the volumes. @default 65534 (nogroup) */
  readonly fsGroup?: number;
}

/** nobody: present in every image, owner of nothing. */
const NOBODY = 65534;

/** Pod Security "restricted". @see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export function podSecurityContext({ user = NOBODY, group = NOBODY, fsGroup = NOBODY }: RunAs = {}): object {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: group,
    fsGroup,
    // Changing the owner of every file of a large volume at each start would take minutes.
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** Pod Security "restricted" for a container, with a read-only root file system on top. */
export const RESTRICTED_CONTAINER: ContainerSecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};
