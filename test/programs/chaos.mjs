// STD with the faults of `npm run chaos`: ways to block its worker, to fill its memory, and to ask for much.
import { PreforkTcpServer } from 'prefork-tcp-server';
import { announce } from './announce.mjs';
import { given } from './given.mjs';
import { spinFor, stdHandlers } from './handlers.mjs';

const { std, options } = given();
const handlers = stdHandlers(std);
const kept = [];

/** Gives the garbage collector more and more to do. */
function churnFor(seconds) {
  const end = performance.now() + seconds * 1000;
  let some = [];
  while (performance.now() < end) {
    if (some.length > 200_000) some = [];
    some.push({ text: String(some.length), more: [some.length] });
  }
}

const after = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Each blocks its worker for some seconds; some do when no callback runs any more. */
const BLOCK = {
  sync: (seconds) => { spinFor(seconds); },
  wait: (seconds) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000); },
  async await(seconds) {
    await after(100);
    spinFor(seconds);
  },
  timer: (seconds) => { setTimeout(spinFor, 100, seconds); },
  job: (seconds) => { void after(100).then(() => undefined).then(() => { spinFor(seconds); }); },
  gc: (seconds) => { setTimeout(churnFor, 100, seconds); },
};

const FAULTS = {
  block: ([way, seconds]) => BLOCK[way](Number(seconds)),
  heap() {
    for (;;) kept.push(Array.from({ length: 1000 }, () => ({})));
  },
  kilobytes([count], client) {
    for (let left = Number(count); left > 0; left--) client.put('x'.repeat(1022));
  },
};

announce(new PreforkTcpServer({
  ...handlers,
  async ClientInput(context) {
    const [word, ...args] = String(context.input).split(' ');
    const fault = FAULTS[word];
    if (fault === undefined) return handlers.ClientInput(context);
    await fault(args, context.heap.client);
    return undefined;
  },
  ...options,
}), std);
