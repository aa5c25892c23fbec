import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { BlockFilter } from '../../src/filters/block.js';
import { CodecFilter } from '../../src/filters/codec.js';
import type { AnyFilter } from '../../src/filters/filter.js';
import { FrameFilter } from '../../src/filters/frame.js';
import { LineFilter } from '../../src/filters/line.js';
import { resolveFilter, type FilterSpec } from '../../src/filters/resolve.js';
import { filterContract } from '../support/filter-contract.js';
import { Markdown, rowsOf } from '../support/markdown.js';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const framing = new Markdown('examples/README.md').chapter('Framing');
/** The functions that its table names: below it, and in the example that the row names. */
const [, functions = ''] = /```js\n([^]*?)```/.exec(framing) ?? [];
const ofExample = (name: string): string => read(`examples/${name}`).replace(/^import .*$/gm, '').split(/^(?:\/\*\* @type \{PreforkTcpServer.*\n)?const server = /m)[0] ?? '';

/** The rows that have code in their second column. */
const rows = new Map([...new Markdown('README.md').rows('Which filter?'), ...rowsOf(framing)].map(([title = '', code = '', notes = '']) => {
  const [, example] = /\]\(([\w-]+\.js)\)/.exec(notes) ?? [];
  return [title, { code: /`([^`]+)`/.exec(code)?.[1] ?? '', setUp: /\bdecode\b/.test(code) && example !== undefined ? ofExample(example) : functions }] as const;
}));

/** Evaluates what the documents say, as a user's program would. */
function create(title: string): AnyFilter {
  const row = rows.get(title);
  if (row === undefined) throw new Error(`The documents have no row ${title}; they have ${[...rows.keys()].join(', ')}.`);
  const names = { BlockFilter, CodecFilter, FrameFilter, LineFilter, Buffer };
  const make = runInThisContext(`(({ ${Object.keys(names).join(', ')} }) => { ${row.setUp}\nreturn ${row.code}; })`) as (given: typeof names) => FilterSpec;
  return resolveFilter(make(names))();
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Bytes of each protocol, and what they are cut into: the whole frames, if nothing else is said. */
interface Sample {
  readonly title: string;
  /** Where the bytes come from. */
  readonly source: string;
  readonly frames: readonly Buffer[];
  readonly records?: readonly unknown[];
}

const HL7 = [
  'MSH|^~\\&|ADT1|MCM|LABADT|MCM|198808181126|SECURITY|ADT^A01|MSG00001|P|2.3\rEVN|A01|198808181123\rPID|||PATID1234^5^M11||JONES^WILLIAM^A^III\r',
  'MSH|^~\\&|LABADT|MCM|ADT1|MCM|198808181127||ACK^A01|MSG00002|P|2.3\rMSA|AA|MSG00001\r',
];
const SYSLOG = [
  "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed for lonvick on /dev/pts/8",
  '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% two\nlines',
];

const SAMPLES: readonly Sample[] = [
  {
    title: 'Modbus TCP',
    source: 'read ten holding registers, an answer, an exception: MODBUS Application Protocol V1.1b3, 6.3',
    frames: [hex('0001 0000 0006 01 03 0000 000a'), hex('0002 0000 0009 01 03 06 022b 0000 0064'), hex('0003 0000 0003 01 83 02')],
  },
  {
    title: 'DNS over TCP',
    source: 'a query for example.com and for the root: RFC 1035, 4.2.2',
    frames: [hex('001d 1234 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001'), hex('0011 1235 0100 0001 0000 0000 0000 00 0002 0001')],
    records: [hex('1234 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001'), hex('1235 0100 0001 0000 0000 0000 00 0002 0001')],
  },
  {
    title: 'SMPP',
    source: 'enquire_link and bind_transceiver_resp: SMPP 3.4, 3.2 and 4.1',
    frames: [hex('00000010 00000015 00000000 00000001'), hex('00000018 80000009 00000000 00000002 534d505053696d00')],
  },
  {
    title: 'IEC 60870-5-104',
    source: 'STARTDT act and con, general interrogation, S frame: IEC 60870-5-104, 5',
    frames: [hex('68 04 07000000'), hex('68 04 0b000000'), hex('68 0e 0000 0000 64 01 06 00 0100 000000 14'), hex('68 04 01000200')],
  },
  {
    title: 'HL7 over MLLP',
    source: 'the admission of the HL7 2.3 standard, 2.17, and its acknowledgement',
    frames: HL7.map((message) => Buffer.from(`\x0b${message}\x1c\r`)),
    records: HL7.map((message) => `\x0b${message}`),
  },
  {
    title: 'MQTT',
    source: 'CONNECT, PUBLISH with a length of two bytes, PINGREQ: MQTT 3.1.1, 2.2.3 and 3',
    frames: [hex('10 10 0004 4d515454 04 02 003c 0004 44494749'), Buffer.concat([hex('30 cb01 0001 61'), Buffer.alloc(200, 'x')]), hex('c0 00')],
  },
  {
    title: 'syslog (RFC 6587)',
    source: 'the examples of RFC 5424, 6.5, by octet counting, and one without a count (RFC 6587, 3.4.2)',
    frames: [...SYSLOG.map((message) => Buffer.from(`${message.length} ${message}`)), Buffer.from('<13>Nov 26 12:00:00 host app: uncounted\n')],
    records: [...SYSLOG.map((message) => Buffer.from(message)), Buffer.from('<13>Nov 26 12:00:00 host app: uncounted')],
  },
  {
    title: 'netstrings',
    source: 'the examples of https://cr.yp.to/proto/netstrings.txt, and one that holds commas',
    frames: [Buffer.from('12:hello world!,'), Buffer.from('0:,'), Buffer.from('5:1:a,,,')],
    records: [Buffer.from('hello world!'), Buffer.alloc(0), Buffer.from('1:a,,')],
  },
  {
    title: 'GT06 trackers',
    source: 'login, position and heartbeat of the Concox protocol document; 79 79 as reported to traccar (issue 655)',
    frames: [
      hex('7878 0d 01 0123456789012345 0001 8cdd 0d0a'), hex('7979 0008 94 00 0102 0304 aabb 0d0a'),
      hex('7878 1f 12 0b081d112e10cf027ac7eb0c46584900148f01cc00287d001fb8 0003 8081 0d0a'), hex('7878 0a 13 4004040001 000f dcee 0d0a'),
    ],
  },
  {
    title: 'RESP (Redis)',
    source: 'what redis-cli sends for a value with CR LF and a zero byte: https://redis.io/docs/latest/develop/reference/protocol-spec/',
    frames: [Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\n\0b\r\n'), Buffer.from('*0\r\n'), Buffer.from('*2\r\n$3\r\nGET\r\n$0\r\n\r\n')],
    records: [['SET', 'k', 'a\r\n\0b'], ['GET', '']].map((command) => command.map((text) => Buffer.from(text))),
  },
];

describe.each(SAMPLES)('what the documents say of $title', ({ title, source, frames, records = frames }) => {
  filterContract(`${title}, ${source}`, [{
    title: 'the frames one after the other', create: () => create(title), input: Buffer.concat(frames), records,
    // The greatest of their limits: a random header may ask for as much.
    maxPending: 2 ** 20 + 2,
  }]);
});

describe('what the documents say of filters', () => {
  it('has these ten protocols', () => {
    expect(SAMPLES.map(({ title }) => title).filter((title) => !rows.has(title))).toEqual([]);
    expect(SAMPLES).toHaveLength(10);
  });

  it.each<[string, string, unknown[]]>([
    ['at a delimiter', 'a\nb\n', ['a', 'b']],
    ['after a length in its header', '\0\x01a\0\x02bc', [Buffer.from('a'), Buffer.from('bc')]],
    ['after a fixed number of bytes', 'x'.repeat(32), [Buffer.alloc(16, 'x'), Buffer.alloc(16, 'x')]],
  ])('cuts records that end %s', (title, input, records) => {
    expect(create(title).get([input])).toEqual(records);
  });

  it.each([
    ['Modbus TCP', hex('0001 0000 0000 01 83 02'), hex('0001 0000 0003 01 83 02')],
    ['DNS over TCP', hex('1235 0100'), hex('0004 1235 0100')],
    ['SMPP', hex('00000000 80000015 00000000 00000001'), hex('00000010 80000015 00000000 00000001')],
    ['IEC 60870-5-104', hex('68 00 0b000000'), hex('68 04 0b000000')],
    ['HL7 over MLLP', '\x0bMSH|\r', Buffer.from('\x0bMSH|\r\x1c\r')],
    ['netstrings', Buffer.from('hello world!'), Buffer.from('12:hello world!,')],
    ['MQTT', hex('d0 00'), hex('d0 00')],
    ['RESP (Redis)', Buffer.from('a\r\n'), Buffer.from('$3\r\na\r\n\r\n')],
    ['RESP (Redis)', new Error("unknown command 'a\r\n+OK'"), "-ERR unknown command 'a  +OK'\r\n"],
  ])('sends records of %s in its form', (title, record, sent) => {
    expect(create(title).put([record])).toEqual([Buffer.from(sent)]);
  });

  it.each([
    ['IEC 60870-5-104', '69'], ['MQTT', '30 ff ff ff ff 01'], ['syslog (RFC 6587)', '4d534748'], ['netstrings', '2c'], ['netstrings', '3131313131313131313131'],
    ['netstrings', '323a61623b'], ['netstrings', '30313a612c'],
    ['GT06 trackers', '7979 0001 94 0d0a'], ['GT06 trackers', '7879'], ['RESP (Redis)', '2a310d0a2b'], ['RESP (Redis)', '504f5354202f0d0a'],
  ])('refuses bytes that are no %s: %s', (title, bytes) => {
    expect(() => { create(title).get([hex(bytes)]); }).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_BAD_RECORD' }));
  });
});
