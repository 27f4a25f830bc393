import { InvalidValueError, Problems, rule, type Check } from '../validation';
import { isDataKey, isDnsSubdomain } from './kubernetes-name';

/** Anything with the name of a Secret: a cdk8s-plus `ISecret` fits. */
export interface NamedSecret {
  /** The name of the Secret. */
  readonly name: string;
}

/** A key of a Kubernetes Secret. Secrets are referred to, never written into a manifest. */
export class SecretRef {
  /**
   * @param secret the name of the Secret in the namespace of the pod, or a cdk8s-plus `ISecret`
   * @param key the key within the Secret
   * @throws InvalidValueError when either is not a valid name.
   */
  public static of(secret: string | NamedSecret, key: string): SecretRef {
    return new SecretRef(typeof secret === 'string' ? secret : secret.name, key);
  }

  /** Whether a value is a SecretRef, of this copy of the package or of another. */
  public static is(value: unknown): value is SecretRef {
    if (value instanceof SecretRef) return true;
    const { secretName, key } = (typeof value === 'object' && value !== null ? value : {}) as Partial<SecretRef>;
    return typeof secretName === 'string' && typeof key === 'string' && isDnsSubdomain(secretName) && isDataKey(key);
  }

  private constructor(
    public readonly secretName: string,
    public readonly key: string,
  ) {
    if (!isDnsSubdomain(secretName)) {
      throw new InvalidValueError({
        prop: 'secretName',
        value: secretName,
        rule: 'the name of a Secret consists of lower-case letters, digits, - and ., at most 253 characters',
        fix: "write SecretRef.of('name-of-the-secret', 'key')",
      });
    }
    if (!isDataKey(key)) {
      throw new InvalidValueError({
        prop: 'key',
        value: key,
        rule: 'a key of a Secret consists of letters, digits, -, _ and .',
        fix: "write SecretRef.of('name-of-the-secret', 'key')",
      });
    }
  }

  public toString(): string {
    return `${this.secretName}/${this.key}`;
  }
}

/** Checks that a value is a SecretRef. */
export const secretRefCheck = rule(
  (value) => SecretRef.is(value),
  'must be a SecretRef: a secret in the clear would stand in the manifest',
  "write SecretRef.of('name-of-the-secret', 'key')",
);

const IN_YAML = 'secret://';

/**
 * A key of a Secret where a field names a file: a `SecretRef`, in YAML `secret://name/key`.
 *
 * @param path checks any other value
 */
export function secretFileCheck(path: Check): Check {
  return (value, prop, problems) => {
    if (SecretRef.is(value)) return value;
    if (typeof value !== 'string' || !value.startsWith(IN_YAML)) return path(value, prop, problems);
    const [secret = '', key = '', ...more] = value.slice(IN_YAML.length).split('/');
    const ref = more.length === 0 ? new Problems().attempt(() => SecretRef.of(secret, key)) : undefined;
    problems.when(ref === undefined, {
      prop,
      value,
      rule: 'names no key of a Secret',
      fix: `write ${IN_YAML}name-of-the-secret/key`,
    });
    return ref;
  };
}
