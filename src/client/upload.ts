import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Call } from './call';

/** A body in pieces: a stream of Node.js, an export, a generator ... It is read no faster than the server takes it. */
export type Chunks = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** What a request carries. */
export type Body = string | Uint8Array | Chunks;

export function isChunks(body: Body | undefined): body is Chunks {
  return typeof body === 'object' && !(body instanceof Uint8Array);
}

/**
 * Sends a body piece by piece. The clock of the call runs only while the server is waited for.
 *
 * @returns whether all of it was sent: not so when the server answers or the connection breaks before
 * @throws what the body throws; the request is destroyed then, so that the server does not take the part for the whole
 */
export async function upload(
  outgoing: ClientRequest,
  body: Chunks,
  answered: Promise<IncomingMessage>,
  call: Call,
): Promise<boolean> {
  const pieces = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  let over = false;
  let wake: (() => void) | undefined;
  const settle = (): void => {
    over = true;
    wake?.();
  };
  answered.then(settle, settle);
  /** @returns undefined when the server answers or the connection breaks before the work is done */
  const before = <T>(work: Promise<T>): Promise<T | undefined> =>
    call.until(
      new Promise((resolve, reject) => {
        wake = () => resolve(undefined);
        if (over) wake();
        work.then(resolve, reject);
      }),
    );
  try {
    for (;;) {
      call.pause();
      const piece = await before(Promise.resolve(pieces.next()));
      call.restart();
      if (piece === undefined) return false;
      if (piece.done === true) {
        outgoing.end();
        return true;
      }
      if (!outgoing.write(piece.value)) {
        await before(new Promise<void>((resolve) => outgoing.once('drain', resolve)));
      }
    }
  } catch (error) {
    outgoing.destroy();
    throw error;
  } finally {
    // Not awaited: a source that gives nothing more would hold the call.
    Promise.resolve(pieces.return?.()).catch(() => undefined);
  }
}
