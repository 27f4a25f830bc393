import type { Size } from 'cdk8s';
import { boolean, object, oneOf, size, type Check, type Checked, type Shape } from '../validation';
import { objectNameCheck } from '../values';
import type { PersistentVolumeClaim, Volume } from './kubernetes';
import { annotationsCheck } from './metadata';

/**
 * A PersistentVolumeClaim of each pod. Kubernetes does not change the claims of a StatefulSet that exists: to change
 * the size, edit the claims, delete the StatefulSet with `--cascade=orphan`, and apply it with the new size.
 */
export interface ClaimProps {
  /** True is for `EphemeralProps`. @default false */
  readonly ephemeral?: false;
  /** How much each pod gets. */
  readonly size: Size;
  /** The StorageClass. @default - the default class of the cluster */
  readonly storageClass?: string;
  /** How the volume may be mounted. @default ReadWriteOnce */
  readonly accessMode?: 'ReadWriteOnce' | 'ReadWriteOncePod' | 'ReadWriteMany';
  /** Annotations of the claims, e.g. for a backup operator. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * What becomes of a claim when the StatefulSet is deleted or scaled in. `Delete` loses the data.
   *
   * @default - Retain for both
   */
  readonly retentionPolicy?: ClaimRetentionPolicy;
}

/** As `persistentVolumeClaimRetentionPolicy` of a StatefulSet. */
export interface ClaimRetentionPolicy {
  /** When the StatefulSet is deleted. @default Retain */
  readonly whenDeleted?: 'Retain' | 'Delete';
  /** When it is scaled in. @default Retain */
  readonly whenScaled?: 'Retain' | 'Delete';
}

/** Space on the node that is gone with the pod: for tests and caches. */
export interface EphemeralProps {
  /** Says that the data may go. */
  readonly ephemeral: true;
  /** The pod is evicted when it writes more. @default - bounded by the node's disk */
  readonly sizeLimit?: Size;
}

/** Where a component keeps its files. */
export type VolumeProps = ClaimProps | EphemeralProps;

export function isEphemeral(volume: VolumeProps): volume is EphemeralProps {
  return volume.ephemeral === true;
}

/** How much fits. @returns undefined where only the disk of the node bounds it */
export function capacityOf(volume: VolumeProps): Size | undefined {
  return isEphemeral(volume) ? volume.sizeLimit : volume.size;
}

const CLAIM_SHAPE: Shape<ClaimProps> = {
  ephemeral: boolean,
  size,
  storageClass: objectNameCheck(
    'a StorageClass',
    'take a name from `kubectl get storageclass`, or leave it out for the default class',
  ),
  accessMode: oneOf('ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'),
  annotations: annotationsCheck,
  retentionPolicy: object<ClaimRetentionPolicy>({
    whenDeleted: oneOf('Retain', 'Delete'),
    whenScaled: oneOf('Retain', 'Delete'),
  }),
};

const EPHEMERAL_SHAPE: Shape<EphemeralProps> = { ephemeral: boolean, sizeLimit: size };

const claimCheck = object(CLAIM_SHAPE);
const ephemeralCheck = object(EPHEMERAL_SHAPE);

/** Checks `VolumeProps`; a claim must say its size. */
export const volumeCheck: Check = (value, prop, problems) => {
  if ((value as Partial<EphemeralProps> | null)?.ephemeral === true) return ephemeralCheck(value, prop, problems);
  const claim = claimCheck(value, prop, problems) as Checked<ClaimProps> | undefined;
  if (claim === undefined || claim.size !== undefined) return claim;
  problems.when((value as Partial<ClaimProps>).size === undefined, {
    prop: `${prop}.size`,
    value: undefined,
    rule: 'a claim needs a size',
    fix: `set \`${prop}.size\`, e.g. Size.gibibytes(100), or \`${prop}: { ephemeral: true }\` to keep nothing`,
  });
  return undefined;
};

/** A claim template of a StatefulSet. Its labels never change: Kubernetes refuses to change a template. */
export function claimTemplate(
  name: string,
  claim: ClaimProps,
  labels: Readonly<Record<string, string>>,
): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels, annotations: claim.annotations },
    spec: {
      accessModes: [claim.accessMode ?? 'ReadWriteOnce'],
      storageClassName: claim.storageClass,
      // What the API server would fill in: said, so that a second apply finds no difference.
      volumeMode: 'Filesystem',
      resources: { requests: { storage: claim.size.asString() } },
    },
  };
}

export function emptyDir(name: string, sizeLimit?: Size): Volume {
  return { name, emptyDir: sizeLimit ? { sizeLimit: sizeLimit.asString() } : {} };
}
