// The handler set STD, whose script waits before it loads the package if there is the file GATE, which it takes away: until a signal ends it.
import { existsSync, unlinkSync } from 'node:fs';
import { print } from './announce.mjs';

const gate = process.env.GATE ?? '';
if (existsSync(gate)) {
  unlinkSync(gate);
  await new Promise(() => {
    process.on('message', () => undefined);
    print('waits');
  });
}
await import('./std.mjs');
