// Visitors at a steady rate, in a process of their own: `tsx visitors.ts PORT PER_SECOND MOST`. Until its input ends; then it prints how they went.
import { once } from 'node:events';
import { atRate, failures } from '../programs/load.js';

const [port = 0, perSecond = 1, most = Infinity] = process.argv.slice(2).map(Number);
const visits = await atRate(port, perSecond, async () => {
  process.stdin.resume();
  await once(process.stdin, 'end');
}, most);
console.log(JSON.stringify({ count: visits.length, lost: failures(visits).map(({ evidence }) => evidence) }));
