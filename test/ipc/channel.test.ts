import { describe, expect, it } from 'vitest';
import { ProcessChannel, toShow } from '../../src/ipc/channel.js';
import { envelope, type ToWorker } from '../../src/ipc/protocol.js';

/** One end of a line, which keeps what was sent. */
class Endpoint {
  connected = true;
  broken = false;
  readonly sent: unknown[] = [];

  send(message: unknown, _handle?: unknown, _options?: unknown, done?: (error: Error | null) => void): boolean {
    if (this.broken) throw new TypeError('This handle type cannot be sent');
    this.sent.push(message);
    done?.(new Error('write EPIPE'));
    return true;
  }
}

const channelTo = (endpoint: Endpoint): ProcessChannel<ToWorker> => new ProcessChannel(endpoint, 'secret', () => undefined);

describe('ProcessChannel', () => {
  it('sends messages in their envelope, with the secret of the server', () => {
    const endpoint = new Endpoint();
    const channel = channelTo(endpoint);

    expect(channel.send({ type: 'pause' })).toBe(true);
    expect(endpoint.sent).toEqual([envelope({ type: 'pause' }, 'secret')]);
  });

  it('shows no keys to a developer who watches', () => {
    const config = { heartbeatMs: 1, graceMs: null, maxClients: null, concurrency: null, maxServed: null, client: { tls: 'PRIVATE', maxOutput: 5 } };
    const shown = [
      toShow({ type: 'configure', config }), toShow({ type: 'ticket-keys', keys: 'PRIVATE' }),
      toShow({ type: 'welcome', config, paused: false, share: null, backlog: 1, endWithMaster: false, address: '/run/x', ticketKeys: 'PRIVATE' }),
    ].join('\n');

    expect(shown).not.toContain('PRIVATE');
    expect(shown).toContain('"maxOutput":5');
  });

  it('returns false when the other side has gone', () => {
    const endpoint = new Endpoint();
    endpoint.connected = false;

    expect(channelTo(endpoint).send({ type: 'pause' })).toBe(false);
    expect(endpoint.sent).toEqual([]);
  });

  it('returns false, and does not throw, when the message cannot be sent', () => {
    const endpoint = new Endpoint();
    endpoint.broken = true;

    expect(channelTo(endpoint).send({ type: 'copy' })).toBe(false);
  });
});
