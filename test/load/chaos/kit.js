// What the scenarios share: a pool in this process, clients, and a seeded random number.
import { fork } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { PreforkTcpServer } from 'prefork-tcp-server';

/** A pool whose workers run worker.js; it is gone when the body has ended, and so is every worker. */
export async function withPool({ worker = {}, ...options }, body) {
  const server = new PreforkTcpServer({
    Address: '127.0.0.1', HandleSignals: false, Script: new URL('./worker.js', import.meta.url), ScriptArgs: [JSON.stringify(worker)],
    ExecArgv: [], ClientInput: () => undefined, ...options,
  });
  const errors = [];
  server.on('worker:error', (event) => { errors.push(event); });
  await server.ready();
  await server.waitUntil(({ totals }) => totals.ready >= (options.StartServer ?? 5), { signal: AbortSignal.timeout(20_000) });
  try {
    return await body({ server, port: server.address().port, errors });
  } finally {
    await server.shutdown({ grace: 0 });
  }
}

/** A pool as above whose master is a process of its own; `events` are those it told of. It is gone when the body has ended, and so is every worker. */
export async function withMaster({ worker = {}, ...options }, body) {
  const child = fork(new URL('./master.js', import.meta.url), [JSON.stringify({ options, worker })], { execArgv: [] });
  const events = [];
  const waiting = new Set();
  child.on('message', (event) => {
    events.push(event);
    for (const look of [...waiting]) look();
  });
  const event = (name, boundMs = 10_000) => new Promise((resolve, reject) => {
    const look = () => {
      const found = events.find((one) => one.name === name);
      if (found === undefined) return;
      clearTimeout(timer);
      waiting.delete(look);
      resolve(found);
    };
    const timer = setTimeout(() => { reject(new Error(`Waited ${boundMs} ms for ${name} of a master.`)); }, boundMs);
    waiting.add(look);
    look();
  });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  try {
    const { port } = await event('up');
    return await body({ child, port, events, event });
  } finally {
    // A stopped one hears nothing else; its workers see that it is gone.
    child.kill('SIGKILL');
    await ended;
    const isLeft = (pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.startsWith('Z') === false;
      } catch {
        return false;
      }
    };
    const pids = events.filter(({ name }) => name === 'worker:born').map(({ pid }) => pid);
    while (pids.some(isLeft)) await sleep(10);
  }
}

/** mulberry32: the same numbers from 0 to 1 for the same seed. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Opens a connection; `lines` resolves with so many lines or what came until the end. */
export function open(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  const client = { socket, text: '', error: undefined, isOver: false, wake: () => undefined };
  socket.setEncoding('latin1');
  socket.on('data', (text) => {
    client.text += text;
    client.wake();
  });
  socket.on('error', (error) => { client.error = error; });
  socket.on('close', () => {
    client.isOver = true;
    client.wake();
  });
  return client;
}

/** Waits until a client has so many lines, its connection is over, or the time is up. */
export async function lines(client, count, boundMs = 10_000) {
  const enough = () => client.text.split('\r\n').length - 1 >= count || client.isOver;
  if (!enough()) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, boundMs);
      client.wake = () => {
        if (!enough()) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
  return client.text.split('\r\n').slice(0, -1);
}

/** A short conversation: banner, one line, one answer. Tells how it went and how long the first byte took. */
export async function talk(port, line = 'hello', boundMs = 10_000) {
  const startedAt = performance.now();
  const client = open(port);
  const [pid] = await lines(client, 1, boundMs);
  const firstByteMs = performance.now() - startedAt;
  if (!client.isOver) client.socket.write(`${line}\n`);
  const answers = await lines(client, 2, boundMs);
  const outcome = answers.length >= 2 ? 'served' : client.error?.code === 'ECONNREFUSED' ? 'refused' : client.isOver ? 'reset' : 'unanswered';
  client.socket.destroy();
  return { outcome, pid: Number(pid), startedAt, endedAt: performance.now(), firstByteMs };
}

/** Resident memory of a process in bytes. */
export const rssOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;

/** Open files of a process. */
export const filesOf = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export const part = (values, share) => [...values].sort((one, other) => one - other)[Math.floor((values.length - 1) * share)];
