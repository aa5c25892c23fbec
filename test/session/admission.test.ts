import { EventEmitter } from 'node:events';
import { BlockList } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAdmission, type Admission } from '../../src/session/admission.js';

/** A connection from an address, which it may lose. */
function from(address: string | undefined): Socket & { lose(): void } {
  const socket = Object.assign(new EventEmitter(), { remoteAddress: address, lose: () => { socket.remoteAddress = undefined; } });
  return socket as unknown as Socket & { lose(): void };
}

const admits = (admission: Admission, socket: Socket): boolean => admission.admit(socket, socket.remoteAddress);

describe('an admission', () => {
  it('admits all if none is blocked', () => {
    const admission = createAdmission(undefined, 0);

    expect([admits(admission, from('10.0.0.1')), admits(admission, from('::1')), admits(admission, from(undefined))]).toEqual([true, true, true]);
  });

  it.each([
    ['10.1.2.3', false], ['10.2.0.1', true], ['::1', false], ['::2', true], ['::ffff:10.1.2.3', false], [undefined, true],
  ])('asks the block list, for IPv4 and IPv6: %s', (address, admitted) => {
    const blocked = new BlockList();
    blocked.addSubnet('10.1.0.0', 16);
    blocked.addAddress('::1', 'ipv6');

    expect(admits(createAdmission(blocked, 0), from(address))).toBe(admitted);
  });

  it('admits that many of one address at once, and another when one has left', () => {
    const admission = createAdmission(undefined, 2);
    const first = from('10.0.0.1');
    const answers = [admits(admission, first), admits(admission, from('10.0.0.1')), admits(admission, from('10.0.0.1')), admits(admission, from('10.0.0.2'))];

    first.emit('close', false);
    answers.push(admits(admission, from('10.0.0.1')), admits(admission, from('10.0.0.1')));

    expect(answers).toEqual([true, true, false, true, true, false]);
  });

  it('takes a connection off its address even if it has lost it by a reset', () => {
    const admission = createAdmission(undefined, 1);
    const socket = from('10.0.0.1');
    admits(admission, socket);

    socket.lose();
    socket.emit('close', true);

    expect(admits(admission, from('10.0.0.1'))).toBe(true);
  });

  it('does not count those it never admitted', () => {
    const admission = createAdmission(undefined, 1);
    const refused = from('10.0.0.1');
    admits(admission, from('10.0.0.1'));
    admits(admission, refused);

    refused.emit('close', false);

    expect(admits(admission, from('10.0.0.1'))).toBe(false);
  });

  it('goes by the block list of now: who is in, stays', () => {
    const admission = createAdmission(undefined, 0);
    const blocked = new BlockList();
    blocked.addAddress('10.0.0.1');
    const answers = [admits(admission, from('10.0.0.1'))];

    admission.block(blocked);
    answers.push(admits(admission, from('10.0.0.1')), admits(admission, from('10.0.0.2')));
    admission.block(undefined);
    answers.push(admits(admission, from('10.0.0.1')));

    expect(answers).toEqual([true, false, true, true]);
  });
});
