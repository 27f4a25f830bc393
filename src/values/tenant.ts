import { InvalidValueError } from '../validation';

const MAX_UINT32 = 0xffffffff;

/**
 * A tenant of a VictoriaMetrics cluster: `accountID[:projectID]`, each a 32-bit unsigned integer.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#multitenancy
 */
export class Tenant {
  /** Account 0, project 0: where data goes that names no tenant. */
  public static readonly DEFAULT = new Tenant('0');

  /**
   * All tenants at once: writes take the tenant from the labels `vm_account_id` and `vm_project_id`,
   * reads see every tenant. Give it to trusted clients only.
   *
   * @see https://docs.victoriametrics.com/victoriametrics/cluster-victoriametrics/#multitenancy-via-labels
   */
  public static readonly MULTITENANT = new Tenant('multitenant');

  /** @throws InvalidValueError when an id is not a 32-bit unsigned integer. */
  public static of(accountId: number, projectId?: number): Tenant {
    return Tenant.parse(projectId === undefined ? String(accountId) : `${accountId}:${projectId}`);
  }

  /**
   * Reads `42`, `42:7` or `multitenant`.
   *
   * @throws InvalidValueError when the text is none of these.
   */
  public static parse(text: string): Tenant {
    if (text === Tenant.MULTITENANT.id) return Tenant.MULTITENANT;
    const ids = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text)?.slice(1).filter(Boolean);
    if (ids === undefined || ids.some((id) => Number(id) > MAX_UINT32)) {
      throw new InvalidValueError({
        prop: 'tenant',
        value: text,
        rule: `must be accountID or accountID:projectID, each from 0 to ${MAX_UINT32}`,
        fix: "write for example Tenant.of(42), Tenant.of(42, 7) or Tenant.parse('42:7')",
      });
    }
    return new Tenant(ids.map(Number).join(':'));
  }

  /**
   * The tenant itself, the default one for nothing, or one read from text.
   *
   * @throws InvalidValueError when it is none.
   */
  public static from(tenant: Tenant | undefined): Tenant {
    if (tenant === undefined) return Tenant.DEFAULT;
    return tenant instanceof Tenant ? tenant : Tenant.parse(String(tenant));
  }

  private constructor(private readonly id: string) {}

  /** Whether it is account 0, project 0. */
  public get isDefault(): boolean {
    return this.id === '0' || this.id === '0:0';
  }

  /** The path segment of the tenant. */
  public toString(): string {
    return this.id;
  }
}
