import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { FrameFilter } from 'prefork-tcp-server';
import { withHandlers } from '../programs/inline.js';
import { withExample } from '../support/examples.js';
import { requireTool } from '../support/tools.js';
import { within } from '../support/wait.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a session', () => {
  it('can send in another framing than it receives', async () => {
    await withHandlers<object, FrameFilter>({
      ClientInputFilter: ['Frame', { LengthBytes: 2 }] as never,
      ClientOutputFilter: 'Line',
      ClientInput({ heap, input }) { heap.client.put(`${input.length}: ${input.toString('hex')}`); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('\0\x02ab\0\0\0');
      await client.expect('2: 6162\r\n0: \r\n');
      client.send('\x01\n');
      await client.expect('1: 0a\r\n');
    });
  });

  it('can switch by what a first record says, however the bytes are cut', async () => {
    // Codec 8 of Teltonika, the first example of their wiki: length and IMEI, answered with 01; then four zero bytes, a
    // length, data and a CRC-16/IBM, answered with the number of positions.
    const login = hex('000f 333536333037303432343431303133');
    const data = hex('00000000 00000036 08010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f10000601a014e000000000000000001 0000c7cf');
    await withHandlers<{ imei?: string }, FrameFilter>({
      ClientInputFilter: ['Frame', { LengthBytes: 2, MaxLength: 17 }] as never,
      ClientOutputFilter: 'Stream',
      ClientInput({ heap, input, kernel }) {
        if (heap.imei === undefined) {
          heap.imei = input.toString();
          heap.client.put(Buffer.from([1]));
          heap.client.set_input_filter(new library.FrameFilter({ Start: Buffer.alloc(4), LengthOffset: 4, LengthAdjustment: 4, MaxLength: 1300 }));
          return;
        }
        let crc = 0;
        for (const byte of input.subarray(0, -4)) {
          crc ^= byte;
          for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
        }
        tell('data', { imei: heap.imei, isWhole: crc === input.readUInt32BE(input.length - 4) });
        heap.client.put(Buffer.from([0, 0, 0, input.readUInt8(1)]));
        kernel.yield('shutdown');
      },
    }, async (scene) => {
      const whole = Buffer.concat([login, data]);
      // In one segment, in two (cut in the login, after it, in the second header, in the CRC), and byte by byte.
      const cuts = [[whole], ...[1, 9, 17, 22, 77].map((at) => [whole.subarray(0, at), whole.subarray(at)]), Array.from(whole, (byte) => Buffer.from([byte]))];
      for (const pieces of cuts) {
        const client = await scene.connect();
        for (const piece of pieces) await client.sendAll(piece);

        await client.expect('\x01\0\0\0\x01');
        await client.expectEof();
        client.close();
      }

      await scene.told('data', cuts.length);
      expect(scene.all.map(({ detail }) => detail)).toEqual(cuts.map(() => ({ imei: '356307042441013', isWhole: true })));
    });
  });

  it('can answer a bad record before it ends, after the answers to those before it', async () => {
    await withHandlers<object, FrameFilter>({
      ClientFilter: ['Frame', { Start: 'h', LengthOffset: 1, LengthBytes: 1 }] as never,
      ClientInput({ heap, input }) { heap.client.put(input); },
      ClientError({ heap, operation, error }) {
        tell('Error', [operation, (error as { code?: string }).code]);
        heap.client.put('x'.repeat(200), 'refused');
      },
      ClientDisconnected() { tell('Disconnected'); },
    }, async (scene) => {
      const client = await scene.connect();

      client.send('h\x01ah\x01bih\x01c');

      await client.expect(`h\x01ah\x01bh\xc8${'x'.repeat(200)}h\x07refused`);
      await client.expectEof();
      client.close();
      await scene.told('Disconnected');
      expect(scene.all.map(({ name, detail }) => [name, detail])).toEqual([['Error', ['input', 'ERR_PREFORK_BAD_RECORD']], ['Disconnected', undefined]]);
    });
  });
});

const run = promisify(execFile);

describe('examples/modbus.js', () => {
  it.runIf(requireTool('mbpoll'))('serves mbpoll: writes one register, writes several, reads them', async () => {
    await withExample(['modbus.js'], async (_master, port) => {
      const mbpoll = async (...args: string[]): Promise<string> => (await run('mbpoll', ['-0', '-1', '-p', String(port), '-o', '5', '-r', ...args], { timeout: 15_000 })).stdout;

      expect(await mbpoll('5', '127.0.0.1', '1234')).toContain('Written 1 references.');
      expect(await mbpoll('6', '127.0.0.1', '40', '50')).toContain('Written 2 references.');

      expect([...(await mbpoll('5', '-c', '3', '127.0.0.1')).matchAll(/^\[(\d+)\]:\s+(\d+)/gm)].map(([, at, value]) => [at, value])).toEqual([['5', '1234'], ['6', '40'], ['7', '50']]);
    });
  });

  it('serves modbus-serial: many requests at once, and exceptions', async () => {
    // What this test uses of it.
    interface Modbus {
      connectTCP(host: string, options: { port: number }): Promise<void>;
      setID(unit: number): void;
      setTimeout(milliseconds: number): void;
      writeRegisters(address: number, values: number[]): Promise<unknown>;
      readHoldingRegisters(address: number, count: number): Promise<{ data: number[] }>;
      readCoils(address: number, count: number): Promise<unknown>;
      close(closed: () => void): void;
    }
    const Client = createRequire(import.meta.url)('modbus-serial') as new () => Modbus;
    await withExample(['modbus.js'], async (master, port) => {
      const client = new Client();
      await client.connectTCP('127.0.0.1', { port });
      client.setID(1);
      client.setTimeout(10_000);

      await client.writeRegisters(10, [1, 2, 65_535]);
      const answers = await Promise.all(Array.from({ length: 50 }, async (_, at) => client.readHoldingRegisters(10 + at % 3, 1)));

      expect(answers.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, at) => [[1], [2], [65_535]][at % 3]));
      await expect(client.readHoldingRegisters(99, 2)).rejects.toMatchObject({ modbusCode: 2 });
      await expect(client.readCoils(0, 1)).rejects.toMatchObject({ modbusCode: 1 });
      // Two registers, of which the count of bytes says one.
      const raw = await master.connect(port);
      raw.send(hex('0001 0000 000b 01 10 0000 0002 02 0001 0002'));
      await raw.expect(hex('0001 0000 0003 01 90 03'));
      raw.close();
      await within(new Promise<void>((resolve) => { client.close(resolve); }), () => 'the end of the client');
    });
  });
});

describe('examples/resp.js', () => {
  it.runIf(requireTool('redis-cli'))('serves redis-cli: values of any bytes', async () => {
    await withExample(['resp.js'], async (_master, port) => {
      const cli = async (stdin: string, ...args: string[]): Promise<string> => {
        const running = run('redis-cli', ['-p', String(port), ...args], { timeout: 15_000, encoding: 'latin1' });
        // It may end without having read it.
        running.child.stdin?.on('error', () => undefined).end(stdin, 'latin1');
        return (await running).stdout;
      };

      expect(await cli('a\r\n\0\xffb', '-x', 'set', 'any bytes')).toBe('OK\n');
      expect(await cli('', '--raw', 'get', 'any bytes')).toBe('a\r\n\0\xffb\n');
      expect(await cli('', 'get', 'nothing')).toBe('\n');
      expect(await cli('', 'dbsize')).toBe('1\n');
      expect(await cli('', 'del', 'any bytes', 'nothing')).toBe('1\n');
      expect(await cli('', 'config', 'get', 'save')).toContain("ERR unknown command 'config'");
    });
  });

  it.runIf(requireTool('redis-benchmark'))('serves redis-benchmark with pipelines, without an error', async () => {
    await withExample(['resp.js'], async (_master, port) => {
      const { stdout, stderr } = await run('redis-benchmark', ['-p', String(port), '-t', 'ping,set,get', '-n', '3000', '-c', '10', '-P', '16', '-r', '100', '-d', '40', '-q'], { timeout: 30_000 });

      expect([...stdout.matchAll(/(PING_INLINE|PING_MBULK|SET|GET): [\d.]+ requests per second/g)].map(([, name]) => name)).toEqual(['PING_INLINE', 'PING_MBULK', 'SET', 'GET']);
      // It asks for the configuration first, for its report; there is none.
      expect(`${stdout}${stderr}`.replace(/^WARNING: Could not fetch server CONFIG$/gm, '')).not.toMatch(/error|warning/i);
    });
  });

  it('answers what is no RESP with an error, after the answers to the commands before it', async () => {
    await withExample(['resp.js'], async (master, port) => {
      const client = await master.connect(port);

      client.send('*1\r\n$4\r\nPING\r\n*1\r\n+GET\r\n');

      await client.expect("+PONG\r\n-ERR Protocol error: expected '$', got \"+\"\r\n");
      await client.expectEof();
      client.close();
    });
  });
});

describe('examples/gps-tracker.js', () => {
  const LOGIN = hex('7878 0d 01 0123456789012345 0001 8cdd 0d0a');
  const POSITION = hex('7878 1f 12 0b081d112e10cf027ac7eb0c46584900148f01cc00287d001fb8 0003 8081 0d0a');
  /** The heartbeat of the protocol document, with the checksum that its length asks for; its answer stands there too. */
  const HEARTBEAT = hex('7878 0a 13 4b04030001 0011 634f 0d0a');
  /** The frame of traccar's issue 655 with its checksum. */
  const INFORMATION = hex('7979 0008 94 00 0102 0304 cf6e 0d0a');

  it('takes both kinds of frames on one connection, and acknowledges logins and heartbeats', async () => {
    await withExample(['gps-tracker.js'], async (master, port) => {
      const client = await master.connect(port);

      await client.sendAll(LOGIN.subarray(0, 7));
      client.send(LOGIN.subarray(7));
      await client.expect(hex('7878 05 01 0001 d9dc 0d0a'));
      // Damaged, so it is not answered.
      client.send(Buffer.concat([HEARTBEAT.subarray(0, -4), hex('0000 0d0a'), INFORMATION, POSITION, HEARTBEAT]));
      await client.expect(hex('7878 05 13 0011 f970 0d0a'));

      expect(await master.line(/ is at /)).toBe('123456789012345 is at 23.11167 114.40928, 0 km/h');
      expect(await master.line(/ reports /)).toBe('123456789012345 reports 000102');
      client.close();
    });
  });

  it('ends a tracker that does not log in, or not with its number, and one that sends anything else', async () => {
    await withExample(['gps-tracker.js'], async (master, port) => {
      for (const bytes of [HEARTBEAT, hex('7878 05 01 0001 d9dc 0d0a'), Buffer.from('GET / HTTP/1.1\r\n')]) {
        const client = await master.connect(port);
        client.send(bytes);
        await client.expectEof();
        client.close();
      }
    });
  });
});
