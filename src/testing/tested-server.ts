import type { PoolObserver } from '../pool-event.js';
import type { TestedServer } from '../test-kit.js';
import type { JsonLine, ToTest } from './line.js';

/** Says what happens to a server, and when its first worker accepts. It asks for nothing that the program could notice. */
export function observeServer(server: TestedServer, line: Pick<JsonLine<never, ToTest>, 'send'>): PoolObserver {
  let isUp = false;
  return ({ name, detail }) => {
    if (name === 'status' && !isUp) {
      const { address, workers } = server.status();
      if (address !== undefined && workers.some(({ accepting }) => accepting)) {
        isUp = true;
        line.send({ type: 'up', address });
      }
    }
    line.send({ type: 'event', name, detail });
  };
}
