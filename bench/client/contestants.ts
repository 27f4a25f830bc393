import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { compress as zstdCompress, decompress as zstdDecompress, init as initZstd } from '@bokuweb/zstd-wasm';
import { pushTimeseries } from 'prometheus-remote-write';
import { loadSync } from 'protobufjs';
import { compressSync } from 'snappy';
import * as snappyJs from 'snappyjs';
import { LabelSet, VictoriaMetricsClient } from '../../src/client';
import { BodyCompressor, builtInZstd, type Encoding, type ZstdCodec } from '../../src/client/remote-write/compression';
import { WriteRequestEncoder } from '../../src/client/remote-write/encoder';
import type { Load, LoadSeries } from './load';

/** Requests that a contestant may have under way. */
const IN_FLIGHT = 2;

/** Makes the body of a request. Prepared for the series once, as an application that knows its series would. */
export type Encode = () => Uint8Array | Promise<Uint8Array>;

/** Sends the load as it is now, and later finishes what is under way. */
export interface Sending {
  /** Resolves when the load may be changed. */
  send(): Promise<void>;
  finish(): Promise<void>;
}

export interface Contestant {
  encoder(series: readonly LoadSeries[]): Promise<Encode>;
  sending(load: Load, url: string): Promise<Sending>;
}

type Post = (body: Uint8Array) => Promise<void>;

/** Keeps its connections, as ours does. */
function poster(url: string): Post {
  const agent = new Agent({ keepAlive: true });
  const headers = {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  };
  return (body) =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
        incoming.resume().on('end', () => {
          if (incoming.statusCode === 204) resolve();
          else reject(new Error(`${url} answered ${incoming.statusCode}`));
        });
      });
      outgoing.on('error', reject).end(body);
    });
}

/** Lets a few posts run at once. */
function inFlight(post: () => Promise<void>): Sending {
  const running = new Set<Promise<void>>();
  return {
    send: async () => {
      const sent = post().then(() => void running.delete(sent));
      running.add(sent);
      if (running.size >= IN_FLIGHT) await Promise.race(running);
    },
    finish: async () => {
      await Promise.all(running);
    },
  };
}

/** Its own request, as one calls it, with a `fetch` that takes the body and sends nothing. */
const peer: Contestant = {
  encoder: (series) => {
    let captured: Uint8Array | undefined;
    const fetch = (_: string, init?: { body: ArrayBufferLike }) => {
      captured = init!.body as unknown as Uint8Array;
      return Promise.resolve({ status: 204, statusText: '', text: () => Promise.resolve('') });
    };
    return Promise.resolve(async () => {
      await pushTimeseries(series as never, { url: 'http://localhost', fetch });
      return captured!;
    });
  },
  // It leaves the choice of `fetch` to its user: that of Node.js.
  sending: (load, url) =>
    Promise.resolve(
      inFlight(async () => {
        const headers = { 'Content-Encoding': 'snappy', 'X-Prometheus-Remote-Write-Version': '0.1.0' };
        const { status } = await pushTimeseries(load.series as never, { url, fetch: fetch as never, headers });
        if (status !== 204) throw new Error(`${url} answered ${status}`);
      }),
    ),
};

/** The encoder that protobufjs generates, fed with labels that are sorted lists already. */
function protobufJs(compress: (message: Uint8Array) => Uint8Array): Contestant {
  const encoder = (series: readonly LoadSeries[]) => {
    const type = loadSync(join(__dirname, 'remote-write.proto')).lookupType('bench.WriteRequest');
    const timeseries = series.map(({ labels, samples }) => ({
      labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
      samples,
    }));
    const write = type.setup().encode.bind(type);
    return () => compress(write({ timeseries }).finish());
  };
  return {
    encoder: (series) => Promise.resolve(encoder(series)),
    sending: (load, url) => {
      const encode = encoder(load.series);
      const post = poster(url);
      return Promise.resolve(inFlight(() => post(encode())));
    },
  };
}

let zstdReady: Promise<unknown> | undefined;

/** @param cached whether labels are validated and encoded once, or at each request */
function ours(encoding: Encoding, cached = true): Contestant {
  const codec = async (): Promise<ZstdCodec | undefined> => {
    if (encoding === 'snappy') return undefined;
    const builtIn = builtInZstd();
    if (builtIn !== undefined) return builtIn;
    await (zstdReady ??= initZstd());
    return { compress: (bytes) => zstdCompress(bytes, 1), decompress: (bytes) => zstdDecompress(bytes) };
  };
  const prepared = (series: readonly LoadSeries[]) =>
    series.map(({ labels, samples }) => ({ labels: cached ? LabelSet.of(labels) : labels, samples }));
  return {
    encoder: async (series) => {
      const compressor = new BodyCompressor(await codec());
      const encoder = new WriteRequestEncoder();
      const known = prepared(series);
      return () => {
        encoder.reset();
        known.forEach((item, i) => encoder.add(item, i));
        return compressor.compress(encoder.finish(), encoding).bytes;
      };
    },
    sending: async (load, url) => {
      const client = new VictoriaMetricsClient({ writeUrl: url.replace('/api/v1/write', '') });
      const writer = client.remoteWriter({
        concurrency: IN_FLIGHT,
        maxBufferedBytes: 4 * 2 ** 20,
        zstd: (await codec()) ?? false,
        onDrop: ({ error }) => {
          throw error;
        },
      });
      const known = prepared(load.series);
      return {
        send: () => writer.write(known),
        finish: () => writer.flush(),
      };
    },
  };
}

export const PEER = 'prometheus-remote-write';

export const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  [PEER]: peer,
  'protobufjs + snappyjs': protobufJs((message) => snappyJs.compress(message)),
  'protobufjs + native snappy': protobufJs((message) => compressSync(message)),
  'ours, snappy': ours('snappy'),
  'ours, snappy, plain labels': ours('snappy', false),
  'ours, zstd': ours('zstd'),
};
