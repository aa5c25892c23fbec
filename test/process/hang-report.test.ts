import type { WorkerHungEvent } from 'prefork-tcp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { withHandlers, type Scene } from '../programs/inline.js';
import { Gate } from '../support/gate.js';
import { poll, within } from '../support/wait.js';
import { QUICK } from '../support/with-server.js';

/** What an inspector says: the answer to a call, or an event. */
interface Said {
  readonly id?: number;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: { readonly callFrames?: readonly { readonly functionName: string }[] };
}

/** A debugger that is attached to a process. */
class Debugger {
  readonly said: Said[] = [];
  readonly #socket: WebSocket;
  #calls = 0;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.on('message', (text: Buffer) => { this.said.push(JSON.parse(text.toString()) as Said); });
  }

  async opened(): Promise<void> {
    await within(new Promise((resolve, reject) => { this.#socket.once('open', resolve).once('error', reject); }), () => 'the inspector');
  }

  /** Makes a call. @returns its answer */
  async call(method: string): Promise<Said> {
    const id = ++this.#calls;
    this.#socket.send(JSON.stringify({ id, method }));
    await poll(() => this.said.some((one) => one.id === id), () => `an answer to ${method}`);
    return this.said.find((one) => one.id === id) ?? {};
  }

  /** Events of a name since the process stood in a function. */
  sinceIn(functionName: string, method: string): Said[] | undefined {
    const at = this.said.findIndex(({ params }) => params?.callFrames?.[0]?.functionName === functionName);
    return at === -1 ? undefined : this.said.slice(at).filter((one) => one.method === method);
  }

  close(): void {
    this.#socket.terminate();
  }
}

function hangsOf({ running }: Scene): WorkerHungEvent[] {
  const hangs: WorkerHungEvent[] = [];
  running.server.on('worker:hung', (event) => { hangs.push(event); });
  return hangs;
}

const standsIn = (functionName: string) => ({ stack }: WorkerHungEvent): boolean => stack.some((frame) => frame.functionName === functionName);

describe('HangReport', () => {
  const open: Debugger[] = [];
  afterEach(() => { for (const one of open.splice(0)) one.close(); });

  it('leaves a worker where a debugger has stopped it, and says where that is', async () => {
    await withHandlers({
      ...QUICK, HangReport: true, ExecArgv: ['--inspect=127.0.0.1:0'],
      ClientInput({ heap, input }) {
        // A breakpoint of the developer's.
        if (input === 'stop') debugger;
        heap.client.put(input === 'stop' ? 'went on' : process.getBuiltinModule('node:inspector').url());
      },
    }, async (scene) => {
      const hangs = hangsOf(scene);
      const client = await scene.connect();
      client.send('where\n');
      const inspector = new Debugger(await client.readLine());
      open.push(inspector);
      await inspector.opened();
      await inspector.call('Debugger.enable');

      client.send('stop\n');
      await poll(() => inspector.sinceIn('ClientInput', 'Debugger.paused') !== undefined && hangs.some(standsIn('ClientInput')), () => 'the worker to stop and to be reported');

      expect(inspector.sinceIn('ClientInput', 'Debugger.resumed')).toEqual([]);
      // Refused if it does not stand there any more.
      expect(await inspector.call('Debugger.resume')).not.toHaveProperty('error');
      await client.expect('went on\r\n');
    });
  });

  it('has no stack of a system call, and comes with it once more when that returns', async () => {
    using gate = new Gate();
    await withHandlers({
      ...QUICK, HangReport: 0.5,
      ClientInput({ heap, input }) {
        process.getBuiltinModule('node:child_process').execFileSync('sh', ['-c', `until [ -e '${input}' ]; do sleep 0.05; done`]);
        heap.client.put('went on');
      },
    }, async (scene) => {
      const hangs = hangsOf(scene);
      const client = await scene.connect();

      client.send(`${gate.path}\n`);
      await poll(() => hangs.some(({ stack }) => stack.length === 0), () => 'a report without a stack');
      gate.open();
      await poll(() => hangs.some(standsIn('ClientInput')), () => 'a report with one');

      await client.expect('went on\r\n');
      expect(hangs.find(standsIn('ClientInput'))?.blockedFor).toBeGreaterThan(hangs.find(({ stack }) => stack.length === 0)?.blockedFor ?? Infinity);
    });
  });
});
