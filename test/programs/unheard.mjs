// A program that does not listen to anything, unless `std` says so.
import { PreforkTcpServer } from 'prefork-tcp-server';
import { given } from './given.mjs';

const { std, options } = given();
const server = new PreforkTcpServer({
  Address: '127.0.0.1', Port: 0, ClientShutdownOnError: false,
  ClientInput({ heap, kernel }) {
    if (std.throws) throw new TypeError('no luck');
    if (std.floods === undefined) return;
    // Each event is a place of its own, whose faults are reported in full.
    for (let place = 0; place < std.floods; place++) {
      kernel.state(`place${place}`, () => { throw new Error('x'.repeat(20_000)); });
      kernel.yield(`place${place}`);
    }
    kernel.state('done', () => { heap.client.put('flooded'); });
    kernel.yield('done');
  },
  ...(std.startFails && { ServerStarted() { throw new TypeError('no luck'); } }),
  ...(std.handles && { Error({ error }) { console.log('handled', error.code); } }),
  ...options,
});
if (server.isMaster && std.waits) {
  await server.waitUntil(({ totals }) => totals.ready > 0).catch((error) => { console.log('rejected', error.code); });
}
if (server.isMaster && (std.throws || std.floods)) server.on('worker:ready', () => { console.log('listening', server.address().port); });
