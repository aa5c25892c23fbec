// The scenarios. Each makes real faults, returns rows of [what, measured, must be], and is as short as its numbers say.
import { filesOf, lines, open, part, rssOf, seeded, sleep, talk, withMaster, withPool } from './kit.js';

const bound = (milliseconds) => ({ signal: AbortSignal.timeout(milliseconds) });

/** Keeps so many conversations going until `isOver`. */
async function converse(port, clients, isOver, results) {
  await Promise.all(Array.from({ length: clients }, async () => {
    while (!isOver()) results.push(await talk(port));
  }));
}

/** A random worker is killed every 50 ms under load. */
export async function killed({ seed = 1, seconds = 10, workers = 6, clients = 24 }) {
  return withPool({ StartServer: workers, MinServer: workers, MaxServer: workers * 2, MinSpareServer: 0 }, async ({ server, port }) => {
    const random = seeded(seed);
    const kills = [];
    const results = [];
    let isOver = false;
    const load = converse(port, clients, () => isOver, results);
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      await sleep(50);
      const ready = server.status().workers.filter(({ phase }) => phase === 'ready');
      const victim = ready[Math.floor(random() * ready.length)];
      if (victim === undefined) continue;
      kills.push({ pid: victim.pid, at: performance.now() });
      process.kill(victim.pid, 'SIGKILL');
    }
    const killedAt = performance.now();
    await server.waitUntil(({ totals }) => totals.ready >= workers, bound(10_000));
    const recovery = performance.now() - killedAt;
    isOver = true;
    await load;
    const wasKilled = ({ pid, startedAt, endedAt }) => kills.some((kill) => (
      (Number.isNaN(pid) ? kill.at >= startedAt - 100 : kill.pid === pid) && kill.at <= endedAt
    ));
    const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
    const byKill = results.filter((result) => result.outcome === 'reset' && wasKilled(result)).length;
    return [
      ['workers killed', kills.length, ''],
      ['clients served', count('served'), ''],
      ['reset by the kill of their worker', byKill, ''],
      ['refused', count('refused'), 0],
      ['lost otherwise', count('reset') - byKill + count('unanswered'), 0],
      ['seconds until the pool was at strength', recovery / 1000, '<= 1'],
    ];
  });
}

/** Every worker is recycled again and again while clients come at a steady rate. */
export async function recycled({ rounds = 100, workers = 4, perSecond = 500 }) {
  const options = { StartServer: workers, MinServer: workers, MaxServer: workers * 2, MinSpareServer: 0, GraceExpireTime: 20 };
  return withPool(options, async ({ server, port }) => {
    const results = [];
    let isOver = false;
    const load = (async () => {
      const talks = [];
      const startedAt = performance.now();
      while (!isOver) {
        while (talks.length < (performance.now() - startedAt) / 1000 * perSecond) talks.push(talk(port).then((result) => results.push(result)));
        await sleep(2);
      }
      await Promise.all(talks);
    })();
    for (let round = 0; round < rounds; round++) {
      const old = server.status().workers.filter(({ phase }) => phase === 'ready');
      for (const { pid } of old) server.term(pid);
      await server.waitUntil((status) => status.totals.ready >= workers && !status.workers.some((worker) => old.some(({ pid }) => pid === worker.pid)), bound(30_000));
    }
    isOver = true;
    await load;
    return [
      ['recyclings of every worker', rounds, ''],
      ['clients', results.length, ''],
      ['not served', results.filter(({ outcome }) => outcome !== 'served').length, 0],
    ];
  });
}

/** Most workers are blocked by a callback while new clients come. */
export async function blocked({ workers = 6, blockers = 4, seconds = 3 }) {
  return withPool({ StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0 }, async ({ server, port }) => {
    const victims = new Map();
    // Clients that stay on every worker, so that any of them can be blocked.
    for (let tries = 0; victims.size < workers && tries < workers * 50; tries++) {
      const client = open(port);
      const [pid] = await lines(client, 1);
      if (!victims.has(pid)) victims.set(pid, client);
    }
    const spinners = [...victims.values()].slice(0, blockers);
    for (const { socket } of spinners) socket.write(`spin ${seconds * 1000}\n`);
    const firstBytes = [];
    const end = performance.now() + seconds * 800;
    while (performance.now() < end) firstBytes.push((await talk(port)).firstByteMs);
    for (const { socket } of victims.values()) socket.destroy();
    return [
      [`workers blocked of ${workers}`, spinners.length, blockers],
      ['new clients served meanwhile', firstBytes.length, ''],
      ['median ms to the first byte', part(firstBytes, 0.5), ''],
      ['99th percentile', part(firstBytes, 0.99), '<= 100'],
      ['workers killed for it', server.status().totals.exits['killed:grace'], 0],
    ];
  });
}

/** Clients that connect and reset at once. */
export async function resets({ count = 100_000, workers = 2, atOnce = 64 }) {
  return withPool({ StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0, MasterHeartBeatTime: 1 }, async ({ server, port }) => {
    const before = server.status().workers.map(({ pid }) => filesOf(pid)).reduce((sum, files) => sum + files);
    let left = count;
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        const { socket } = open(port);
        await new Promise((resolve) => { socket.once('connect', resolve).once('error', resolve); });
        socket.resetAndDestroy();
      }
    }));
    await talk(port);
    const { totals, workers: now } = await server.waitUntil((status) => status.totals.connections === 0, bound(20_000));
    // What the kernel still had in its queue is taken and closed first.
    const countFiles = () => now.map(({ pid }) => filesOf(pid)).reduce((sum, files) => sum + files);
    for (let tries = 0; tries < 100 && countFiles() > before + 16; tries++) await sleep(50);
    const after = countFiles();
    return [
      ['connect-and-reset clients', count, ''],
      ['clients left in status()', totals.connections, 0],
      ['workers that died', totals.born - workers, 0],
      // A few copies of the listening handle, sent in advance, are no leak.
      ['files leaked', Math.max(after - before, 0), '<= 16'],
    ];
  });
}

/** Many open connections, most of them idle. */
export async function idle({ connections = 10_000, workers = 4 }) {
  const options = { StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0, MasterHeartBeatTime: 1, ServerHeartBeatTime: 0.5 };
  return withPool(options, async ({ server, port }) => {
    const before = server.status().workers.map(({ pid }) => rssOf(pid)).reduce((sum, rss) => sum + rss);
    const clients = [];
    while (clients.length < connections) {
      const some = Array.from({ length: Math.min(200, connections - clients.length) }, () => open(port));
      await Promise.all(some.map((client) => lines(client, 1)));
      clients.push(...some);
    }
    const status = await server.waitUntil(({ totals }) => totals.connections === connections, bound(10_000));
    const after = status.workers.map(({ pid }) => rssOf(pid)).reduce((sum, rss) => sum + rss);
    // Two heartbeats of every worker with all of them open.
    const late = [];
    for (let beats = 0; beats < 2; beats++) {
      const seen = server.status().workers;
      const later = await server.waitUntil(({ workers: now }) => now.every((worker, index) => worker.lastHeartbeatAt > (seen[index]?.lastHeartbeatAt ?? 0)), bound(5000));
      late.push(...later.workers.map(({ loopDelay }) => loopDelay ?? 0));
    }
    const answered = await Promise.all(clients.filter((_, index) => index % 100 === 0).map(async (client) => {
      client.socket.write('hello\n');
      return (await lines(client, 2)).length === 2;
    }));
    for (const { socket } of clients) socket.destroy();
    return [
      ['open connections', connections, ''],
      ['KiB of a worker for each', (after - before) / connections / 1024, '<= 40'],
      ['heartbeats late, ms at the most', Math.max(...late), '<= 250'],
      ['every hundredth answered', answered.filter(Boolean).length, answered.length],
    ];
  });
}

/** Clients that ask for much and read nothing. */
export async function slowReaders({ readers = 200, kilobytes = 10_000, workers = 2 }) {
  return withPool({ StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0 }, async ({ server, port }) => {
    const before = server.status().workers.map(({ pid }) => rssOf(pid)).reduce((sum, rss) => sum + rss);
    const clients = [];
    for (let index = 0; index < readers; index++) {
      const client = open(port);
      await lines(client, 1);
      client.socket.pause();
      // One line for each kilobyte: what can be held back is the next request, not an answer that was put whole.
      client.socket.write('kilobytes 1\n'.repeat(kilobytes));
      clients.push(client);
    }
    const { outcome, firstByteMs } = await talk(port);
    const after = server.status().workers.map(({ pid }) => rssOf(pid)).reduce((sum, rss) => sum + rss);
    for (const { socket } of clients) socket.destroy();
    return [
      [`clients that ask for ${kilobytes} KiB each and read nothing`, readers, ''],
      ['MiB more in the workers, for each', (after - before) / readers / 1024 / 1024, '<= 3'],
      ['another client was', outcome, 'served'],
      ['ms to its first byte', firstByteMs, '<= 1000'],
    ];
  });
}

/** Input without end. */
export async function endless({ lineMiB = 64, idleSeconds = 1 }) {
  const one = { StartServer: 1, MinServer: 1, MaxServer: 1, MinSpareServer: 0 };
  const line = await withPool(one, async ({ server, port }) => {
    const before = rssOf(server.status().workers[0].pid);
    const client = open(port);
    await lines(client, 1);
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let left = lineMiB * 16; left > 0 && !client.isOver && client.socket.writable; left--) {
      if (!client.socket.write(chunk)) await Promise.race([new Promise((resolve) => { client.socket.once('drain', resolve); }), lines(client, Infinity)]);
    }
    await lines(client, Infinity);
    return { closed: client.isOver, grown: (rssOf(server.status().workers[0].pid) - before) / 1024 / 1024 };
  });
  const loris = await withPool({ ...one, worker: { ClientTimeout: idleSeconds } }, async ({ port }) => {
    const client = open(port);
    await lines(client, 1);
    const startedAt = performance.now();
    const timer = setInterval(() => { client.socket.write('x'); }, idleSeconds * 200);
    await lines(client, Infinity);
    clearInterval(timer);
    return { closed: client.isOver, seconds: (performance.now() - startedAt) / 1000 };
  });
  return [
    [`client with a line of ${lineMiB} MiB closed`, line.closed, true],
    ['MiB more in its worker', line.grown, '<= 16'],
    [`client that sends a byte now and then closed`, loris.closed, true],
    [`seconds until then, ClientTimeout ${idleSeconds}`, loris.seconds, `<= ${2 * idleSeconds + 1}`],
  ];
}

/** The master is stopped for longer than a worker may be silent, while clients come. */
export async function stalled({ clients = 1500, atOnce = 8, seconds = 3, workers = 6 }) {
  const times = { MasterHeartBeatTime: 0.2, ServerHeartBeatTime: 0.1, MaxServerExpireTime: 1, GraceExpireTime: 0.5 };
  return withMaster({ StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0, ...times }, async ({ child, port, events, event }) => {
    child.kill('SIGSTOP');
    const stoppedAt = performance.now();
    const results = [];
    let left = clients;
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (left > 0 || performance.now() - stoppedAt < seconds * 1000) {
        left -= 1;
        const result = await talk(port, 'hello', 3000);
        results.push(result);
        // One that is not answered shows it; the others need not wait as long, one after the other.
        if (result.outcome !== 'served') return;
      }
    }));
    const stopped = (performance.now() - stoppedAt) / 1000;
    child.kill('SIGCONT');
    const continuedAt = performance.now();
    child.send('status');
    await event('status');
    const answered = (performance.now() - continuedAt) / 1000;
    // A few rounds of the master and reports of every worker, in which it could judge them.
    await sleep(1000);
    const after = await Promise.all(Array.from({ length: 20 }, () => talk(port)));
    const served = [...results, ...after].filter(({ outcome }) => outcome === 'served').length;
    return [
      ['seconds that the master was stopped, MaxServerExpireTime 1', stopped, ''],
      ['clients meanwhile and afterwards', results.length + after.length, ''],
      ['not served', results.length + after.length - served, 0],
      ['99th percentile of ms to the first byte meanwhile', part(results.map(({ firstByteMs }) => firstByteMs), 0.99), '<= 250'],
      ['seconds until the master answered again', answered, '<= 1'],
      ['workers drained or dead by it', events.filter(({ name }) => name === 'worker:drain' || name === 'worker:exit').length, 0],
    ];
  });
}

/** A worker fills its JavaScript heap while the others serve. */
export async function heap({ workers = 4, megabytes = 32, clients = 8 }) {
  const options = { StartServer: workers, MinServer: workers, MaxServer: workers, MinSpareServer: 0, ExecArgv: [`--max-old-space-size=${megabytes}`] };
  return withPool(options, async ({ server, port }) => {
    const exits = [];
    server.on('worker:exit', (event) => { exits.push(event); });
    const victim = open(port);
    const [pid] = await lines(victim, 1);
    const results = [];
    const load = converse(port, clients, () => exits.length > 0, results);
    const startedAt = performance.now();
    victim.socket.write('heap\n');
    await server.waitUntil(({ totals }) => totals.born > workers && totals.ready === workers, bound(20_000));
    const seconds = (performance.now() - startedAt) / 1000;
    await load;
    // Whom it took before it read the order is lost with it.
    const others = results.filter((result) => result.pid !== Number(pid));
    return [
      ['workers that died', exits.length, 1],
      ['it was the one whose heap was full', exits[0]?.pid === Number(pid), true],
      ['told by the event', exits[0]?.text ?? '', 'SIGABRT, not ours: perhaps its JavaScript heap was full'],
      ['clients of the others meanwhile', others.length, ''],
      ['not served', others.filter(({ outcome }) => outcome !== 'served').length, 0],
      ['seconds until the pool was at strength', seconds, '<= 5'],
    ];
  });
}
