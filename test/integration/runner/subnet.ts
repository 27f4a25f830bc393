import { createServer, type Server } from 'node:net';

/**
 * Whoever listens here owns the subnet; the kernel frees it when its process ends, however it ends. Above the ports
 * that Linux gives to outgoing connections (`net.ipv4.ip_local_port_range`, up to 60999).
 */
const LOCK_PORT = 61_024;
const LOCK_HOST = 254;

/** Below these are the networks that people use by hand, such as 127.0.0.0/24 and 127.0.1.0/24. */
const FIRST_SECOND_OCTET = 64;
const SECOND_OCTETS = 128;

/** A /24 network on loopback that belongs to one runner, whatever else runs on the machine. */
export class Subnet {
  /**
   * Takes the first free network.
   *
   * @param start where to begin to look; different for jest's workers, so that they seldom meet
   */
  public static async claim(start = Number(process.env.JEST_WORKER_ID ?? 0)): Promise<Subnet> {
    const second = FIRST_SECOND_OCTET + (start % SECOND_OCTETS);
    for (let third = 0; third < 256; third++) {
      const network = `127.${second}.${third}`;
      const lock = await listenOn(`${network}.${LOCK_HOST}`, LOCK_PORT);
      if (lock) return new Subnet(network, lock);
    }
    throw new Error(`127.${second}.0.0/16: all networks are taken; end the test runs that hold them`);
  }

  private next = 1;

  private constructor(
    private readonly network: string,
    private readonly lock: Server,
  ) {}

  /** An address that was not given out before. */
  public allocate(): string {
    if (this.next >= LOCK_HOST) throw new Error(`${this.network}.0/24: the stack needs more than 253 addresses`);
    return `${this.network}.${this.next++}`;
  }

  public async release(): Promise<void> {
    await new Promise((resolve) => this.lock.close(resolve));
  }
}

/** @throws Error when something listens there already. */
export async function checkFree(what: string, host: string, port: number): Promise<void> {
  const server = await listenOn(host, port);
  if (!server) {
    throw new Error(
      `${what}: port ${port} is taken on ${host}; end the process that listens on it, or on 0.0.0.0:${port}`,
    );
  }
  await new Promise((resolve) => server.close(resolve));
}

/** @returns nothing when the address is in use */
async function listenOn(host: string, port: number): Promise<Server | undefined> {
  const server = createServer().unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}
