import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { isBehind, type ServiceManifest, type ServicePort } from './manifests';
import type { Pod } from './pod';

/** The address of a Service: connections and datagrams go to its ready pods in turn. */
export class ServiceProxy {
  private readonly servers: Server[] = [];
  private readonly udpSockets: UdpSocket[] = [];
  private readonly connections = new Set<Socket>();
  private turn = 0;
  private refusals = 0;

  /** @param pods all pods of the stack */
  public constructor(
    public readonly manifest: ServiceManifest,
    public readonly address: string,
    private readonly pods: readonly Pod[],
  ) {}

  /** Connections that no pod took: none was ready, or the chosen one did not listen any more. */
  public get refused(): number {
    return this.refusals;
  }

  /** The number of a port by its name. @throws Error when the Service has no such port */
  public port(name: string): number {
    const port = this.manifest.ports.find((candidate) => candidate.name === name);
    if (!port) throw new Error(`Service ${this.manifest.name}: has no port named ${name}`);
    return port.port;
  }

  public async listen(): Promise<void> {
    await Promise.all(
      this.manifest.ports.map((port) => (port.protocol === 'UDP' ? this.listenUdp(port) : this.listenTcp(port))),
    );
  }

  public async close(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await Promise.all([
      ...this.servers.map((server) => new Promise((resolve) => server.close(resolve))),
      ...this.udpSockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))),
    ]);
  }

  /** The pods that connections go to. */
  private get endpoints(): Pod[] {
    const { manifest } = this;
    return this.pods.filter(
      (pod) => isBehind(manifest, pod) && (pod.ready || (manifest.publishNotReadyAddresses && pod.running)),
    );
  }

  private nextEndpoint({
    targetPort,
    port,
  }: ServicePort): { readonly host: string; readonly port: number } | undefined {
    const { endpoints } = this;
    const pod = endpoints[this.turn++ % endpoints.length];
    return pod && { host: pod.address, port: pod.port(targetPort ?? port) };
  }

  private async listenTcp(port: ServicePort): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.forward(client, port));
    this.servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.address, port: port.port, exclusive: true }, resolve);
    });
  }

  private forward(client: Socket, port: ServicePort): void {
    this.track(client);
    const endpoint = this.nextEndpoint(port);
    if (!endpoint) {
      this.refuse(client);
      return;
    }
    const server = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
    this.track(server);
    let connected = false;
    server.once('connect', () => (connected = true));
    server.once('error', () => (connected ? client.resetAndDestroy() : this.refuse(client)));
    client.once('error', () => server.resetAndDestroy());
    server.once('close', () => client.destroySoon());
    client.once('close', () => server.destroySoon());
    client.pipe(server).pipe(client);
  }

  /** A listener cannot refuse a connection that the kernel accepted; a reset is the nearest to it. */
  private refuse(client: Socket): void {
    this.refusals++;
    client.on('error', () => undefined);
    client.resetAndDestroy();
  }

  private track(socket: Socket): void {
    this.connections.add(socket);
    socket.once('close', () => this.connections.delete(socket));
  }

  private async listenUdp(port: ServicePort): Promise<void> {
    const socket = createSocket('udp4');
    const sender = createSocket('udp4');
    this.udpSockets.push(socket, sender);
    sender.on('error', () => undefined);
    socket.on('message', (datagram) => {
      const endpoint = this.nextEndpoint(port);
      if (endpoint) sender.send(datagram, endpoint.port, endpoint.host);
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: this.address, port: port.port, exclusive: true }, resolve);
    });
  }
}
