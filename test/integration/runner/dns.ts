/** The names that the cluster's DNS would know. */
export class ClusterDns {
  private readonly addresses = new Map<string, string>();
  private readonly namespaces = new Set<string>();

  /** @param name of a Service, or `pod.service` for a pod of a StatefulSet */
  public add(name: string, namespace: string, address: string): void {
    this.addresses.set(`${name}.${namespace}.svc`, address);
    this.namespaces.add(namespace);
  }

  /**
   * Looks a name up as a pod of a namespace would: `service`, `service.namespace`, `service.namespace.svc` or with the
   * domain of the cluster, whatever it is; the same with `pod.` before the name of a headless Service.
   *
   * @returns nothing for a name that does not belong to the cluster
   * @throws Error when the name belongs to a namespace of the stack and no Service or pod has it
   */
  public resolve(host: string, namespace: string): string | undefined {
    const name = host.replace(/\.$/, '');
    const qualified = /^(.+\.svc)(?:\..+)?$/.exec(name)?.[1];
    const candidates = qualified === undefined ? [`${name}.${namespace}.svc`, `${name}.svc`] : [qualified];
    for (const candidate of candidates) {
      const address = this.addresses.get(candidate);
      if (address !== undefined) return address;
    }
    if (qualified !== undefined && this.namespaces.has(qualified.split('.').at(-2) ?? '')) {
      throw new Error(`${host}: no Service and no pod of the manifests has this name`);
    }
    return undefined;
  }
}
