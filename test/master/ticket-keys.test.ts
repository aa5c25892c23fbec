import { expect, it } from 'vitest';
import { TicketKeys } from '../../src/master/ticket-keys.js';
import { ManualClock } from '../support/manual-clock.js';

const DAY_MS = 24 * 60 * 60 * 1000;

it('the keys of tickets are 48 bytes that cannot be guessed, new ones every day until the server stops', () => {
  const clock = new ManualClock();
  const changed: string[] = [];
  const keys = new TicketKeys(clock, (current) => { changed.push(current); });
  const first = keys.current;

  clock.advance(DAY_MS);
  const second = keys.current;
  clock.advance(DAY_MS);
  keys.stop();
  clock.advance(DAY_MS);

  expect(Buffer.from(first, 'base64')).toHaveLength(48);
  expect(changed).toEqual([second, keys.current]);
  expect(new Set([first, second, keys.current, new TicketKeys(clock, () => undefined).current]).size).toBe(4);
});
