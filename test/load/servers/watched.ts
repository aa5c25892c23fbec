// A pool that is not there, whose status changes all the time: watched.ts WORKERS. What it takes is the admin side's cost alone.
import { FakePool, manyWorkers, openFakeAdmin } from '../../support/fake-pool.js';
import { serverStatus } from '../../support/status.js';

const workers = manyWorkers(Number(process.argv[2] ?? 10));
const pool = new FakePool(serverStatus({ workers }));
const { url } = await openFakeAdmin(pool, { Port: 0 });
console.log(`watch ${url}`);
let served = 0;
setInterval(() => {
  served += 1;
  pool.show(serverStatus({ workers, totals: { served } }));
}, 50);
