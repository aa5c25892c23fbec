import type { Session } from 'node:inspector';
import { describe, expect, it } from 'vitest';
import { withHandlers } from '../programs/inline.js';

describe('twice as much', () => {
  it('costs a worker twice the steps: blocks of one byte and short lines with Encoding buffer, echoed, and puts of one byte in one callback', async () => {
    await withHandlers({
      // Code that a compiler has made is not counted.
      ExecArgv: ['--no-opt', '--no-maglev', '--no-sparkplug'],
      ClientConnected({ heap }) {
        const kept = globalThis as unknown as { session?: Session };
        if (kept.session === undefined) {
          kept.session = new (process.getBuiltinModule('node:inspector').Session)();
          kept.session.connect();
          kept.session.post('Profiler.enable');
          kept.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
        }
        heap.client.put('ready');
      },
      ClientInput({ heap: { client, ...own }, heap, input }) {
        const { session } = globalThis as unknown as { session: Session };
        const { left } = own as { left?: number };
        const set = (count: number): void => { Object.assign(heap, { left: count }); };
        if (left !== undefined) {
          client.put(input);
          set(left - 1);
          return;
        }
        const [way, text] = input.split(' ');
        const count = Number(text);
        // What has been counted so far is taken away.
        session.post('Profiler.takePreciseCoverage', () => undefined);
        if (way === 'puts') {
          const one = Buffer.from('x');
          client.set_output_filter(new library.StreamFilter());
          for (let puts = 0; puts < count; puts++) client.put(one);
          set(0);
          return;
        }
        client.set_filter(way === 'blocks' ? new library.BlockFilter({ BlockSize: 1 }) : new library.LineFilter({ Encoding: 'buffer' }));
        set(count);
      },
      ClientFlushed({ heap }) {
        const { session } = globalThis as unknown as { session: Session };
        const { left } = heap as { left?: number };
        if (left !== 0) return;
        Object.assign(heap, { left: -1 });
        session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
          let steps = 0;
          for (const { functions } of result) for (const { ranges } of functions) for (const { count } of ranges) steps += count;
          tell('steps', steps);
        });
      },
    }, async (scene) => {
      for (const [way, record] of [['blocks', 'x'], ['lines', 'x\r\n'], ['puts', 'x']] as const) {
        const steps: number[] = [];
        for (const count of [4000, 8000]) {
          const told = scene.names.length;
          const client = await scene.connect();
          await client.expect('ready\r\n');
          client.send(`${way} ${count}\n${way === 'puts' ? '' : record.repeat(count)}`);
          await client.expect(record.repeat(count));
          steps.push(Number(await scene.told('steps', told + 1)));
          client.close();
        }

        const [once = NaN, twice] = steps;
        expect(once, way).toBeGreaterThan(4000);
        expect(twice, way).toBeLessThan(2.5 * once);
      }
    });
  });
});
