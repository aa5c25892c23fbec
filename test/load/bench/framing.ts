// Frames per second: FrameFilter and CodecFilter beside loops written by hand and the package length-prefixed-stream, all
// over frames of 40 bytes.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { CodecFilter, FrameFilter } from 'prefork-tcp-server';
import type { Decoded } from 'prefork-tcp-server';
import { MIB, printTable } from '../figures.js';
import { chunkings, speedsOf, takeAll, type Count } from './cutting.js';
import type { Settings } from './settings.js';

// It has no types.
const { decode: lengthPrefixedStream } = createRequire(import.meta.url)('length-prefixed-stream') as { decode: () => NodeJS.ReadWriteStream };

const TOTAL = 64 * MIB;
const FRAME = 40;

/** The length of a record and where it begins; undefined before that has come. */
type Header = readonly [length: number, from: number] | undefined;

/** Four bytes, most significant first. */
const fixed = (input: Buffer, at: number): Header => (input.length - at < 4 ? undefined : [input.readUInt32BE(at), at + 4]);

/** Groups of seven bits, least significant first: what length-prefixed-stream, protobuf and MQTT use. */
function variable(input: Buffer, at: number): Header {
  let length = 0;
  for (let factor = 1; at < input.length; factor *= 128) {
    const byte = input[at++] ?? 0;
    length += (byte & 127) * factor;
    if (byte < 128) return [length, at];
  }
  return undefined;
}

/** As most programs have it: after each frame, the rest is the new input. */
const loop = (header: typeof fixed): Count => (chunks) => {
  let count = 0;
  let rest: Buffer = Buffer.alloc(0);
  const take = (record: Buffer): void => { count += record.length > 0 ? 1 : 0; };
  for (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (let found = header(rest, 0); found !== undefined && rest.length >= found[0] + found[1]; found = header(rest, 0)) {
      const [length, from] = found;
      take(rest.subarray(from, from + length));
      rest = rest.subarray(from + length);
    }
  }
  return count;
};

/** With more care: it counts how far it is, and makes one view of each record. */
const offsetLoop = (header: typeof fixed): Count => (chunks) => {
  let count = 0;
  let rest: Buffer = Buffer.alloc(0);
  const take = (record: Buffer): void => { count += record.length > 0 ? 1 : 0; };
  for (const chunk of chunks) {
    const input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let found = header(input, at); found !== undefined && input.length >= found[0] + found[1]; found = header(input, at)) {
      const [length, from] = found;
      take(input.subarray(from, from + length));
      at = from + length;
    }
    rest = input.subarray(at);
  }
  return count;
};

function decode(input: Buffer): Decoded<Buffer> {
  const found = variable(input, 0);
  if (found === undefined) return undefined;
  const [length, from] = found;
  const bytes = from + length;
  return input.length < bytes ? { need: bytes } : { record: input.subarray(from, bytes), bytes };
}

/** Each filter and its peers, over the same bytes: the body fills what the header leaves of FRAME bytes. */
const SUITES: Readonly<Record<string, { readonly header: Buffer; readonly libraries: Readonly<Record<string, Count>> }>> = {
  'four bytes of length': {
    header: Buffer.from([0, 0, 0, FRAME - 4]),
    libraries: { FrameFilter: (chunks) => takeAll(new FrameFilter(), chunks), 'by hand': loop(fixed), 'by hand, with an offset': offsetLoop(fixed) },
  },
  'a variable length': {
    header: Buffer.from([FRAME - 1]),
    libraries: {
      CodecFilter: (chunks) => takeAll(new CodecFilter({ Decode: decode }), chunks), 'by hand': loop(variable), 'by hand, with an offset': offsetLoop(variable),
      async 'length-prefixed-stream'(chunks) {
        let count = 0;
        const records = lengthPrefixedStream();
        records.on('data', () => { count++; });
        Readable.from(chunks, { objectMode: false }).pipe(records);
        await once(records, 'end');
        return count;
      },
    },
  },
};

/** Measures and prints them; `ratio` compares with the fastest of the others. */
export async function frames({ rounds }: Settings): Promise<unknown> {
  const rows: { readonly header: string; readonly library: string; readonly chunks: string; readonly speed: number; readonly ratio: number }[] = [];
  for (const [header, { header: bytes, libraries }] of Object.entries(SUITES)) {
    for (const { title, chunks } of chunkings(Buffer.alloc(TOTAL, Buffer.concat([bytes, Buffer.alloc(FRAME - bytes.length, 'x')])))) {
      const speeds = await speedsOf(libraries, { chunks, records: TOTAL / FRAME, rounds });
      const best = Math.max(...speeds.filter(({ library }) => !library.endsWith('Filter')).map(({ speed }) => speed));
      rows.push(...speeds.map(({ library, speed }) => ({ header, library, chunks: title, speed, ratio: speed / best })));
    }
  }
  printTable(`Filters: frames of ${FRAME} bytes`, ['', 'header', 'chunks', 'MiB/s', 'ratio'],
    rows.map(({ header, library, chunks, speed, ratio }) => [library, header, chunks, Math.round(speed), ratio]));
  return rows;
}
