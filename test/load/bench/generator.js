// Load generator for line protocols on 127.0.0.1, a process of its own: `node generator.js '{"port":…,"mode":…}'`.
//   conn    clients connect, send a line, read a line, reset, and connect again
//   echo    open connections with one outstanding line each
//   pipe    open connections, each sends 100 lines at a time and waits for 100 answers
//   spread  opens connections and keeps them, `everyMs` apart or all at once; counts how many each answering pid has
//   hold    every client connects, sends a line, waits for the answer, and is done: the time until all are
// It runs for `seconds`, or until `count` is reached, and prints one JSON object.
import net from 'node:net';

const { port, mode, clients = 64, seconds = 2, count = Infinity, everyMs = 0 } = JSON.parse(process.argv[2] ?? '{}');
const PIPELINED = 100;
const LINE = Buffer.from('ping\n');
const LINES = Buffer.from('forty bytes and a line feed make a line\n'.repeat(PIPELINED));

let done = 0;
let failed = 0;
let refused = 0;
let twice = 0;
let stopped = false;
const latencies = [];
const answers = new Map();
const started = performance.now();

/** Opens a connection whose reads all go into one buffer: the cheapest client that Node has. */
function connect(onData, onConnect) {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback: (length) => onData(buffer, length) } });
  socket.once('connect', onConnect);
  socket.on('error', (error) => {
    if (stopped) return;
    if (error.code === 'ECONNREFUSED') refused += 1;
    else failed += 1;
    socket.destroy();
    if (mode === 'conn') again();
  });
  return socket;
}

function again() {
  if (stopped) return;
  if (done >= count) return finish();
  const at = performance.now();
  const socket = connect((buffer, length) => {
    if (buffer[length - 1] !== 10) return true;
    if (buffer[0] === 84) twice += 1; // 'T': the worker had two clients at once
    latencies.push(performance.now() - at);
    done += 1;
    socket.resetAndDestroy();
    again();
    return true;
  }, () => { socket.write(LINE); });
}

function converse(message, perMessage) {
  let open = 0;
  const socket = connect((buffer, length) => {
    for (let at = buffer.indexOf(10); at !== -1 && at < length; at = buffer.indexOf(10, at + 1)) open -= 1;
    if (open > 0) return true;
    done += perMessage;
    if (done >= count) finish();
    else send();
    return true;
  }, () => { send(); });
  function send() {
    open = perMessage;
    socket.write(message);
  }
}

function keep() {
  const socket = connect((buffer, length) => {
    const pid = buffer.toString('latin1', 0, length).trim();
    answers.set(pid, (answers.get(pid) ?? 0) + 1);
    done += 1;
    if (mode === 'hold') socket.end();
    if (done === clients) finish();
    return true;
  }, () => { socket.write(LINE); });
}

function finish() {
  if (stopped) return;
  stopped = true;
  const elapsed = (performance.now() - started) / 1000;
  latencies.sort((one, other) => one - other);
  const at = (part) => latencies[Math.floor((latencies.length - 1) * part)];
  process.stdout.write(`${JSON.stringify({
    mode, clients, done, rate: done / elapsed, seconds: elapsed, failed, refused, twice,
    p50: at(0.5), p99: at(0.99), max: at(1), answers: Object.fromEntries(answers),
  })}\n`, () => process.exit(0));
}

if (mode === 'conn') for (let index = 0; index < clients; index++) again();
if (mode === 'echo') for (let index = 0; index < clients; index++) converse(LINE, 1);
if (mode === 'pipe') for (let index = 0; index < clients; index++) converse(LINES, PIPELINED);
if (mode === 'spread' || mode === 'hold') {
  if (everyMs === 0) for (let index = 0; index < clients; index++) keep();
  else {
    let opened = 0;
    const timer = setInterval(() => {
      // Catches up when the timer is late, so that the pace holds.
      while (opened < clients && opened * everyMs <= performance.now() - started) {
        opened += 1;
        keep();
      }
      if (opened === clients) clearInterval(timer);
    }, everyMs);
  }
}
setTimeout(finish, (mode === 'spread' || mode === 'hold' || count !== Infinity ? 60 : seconds) * 1000);
