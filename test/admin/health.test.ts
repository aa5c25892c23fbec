import { describe, expect, it } from 'vitest';
import { agentLine, sparePercent, unreadiness } from '../../src/admin/health.js';
import { serverStatus, workerStatus } from '../support/status.js';

const full = serverStatus({ workers: [workerStatus({ connections: 4, accepting: false, paused: ['limit'] })], limits: { MaxServer: 1, MaxSessionPerServer: 4 } });

describe('readiness', () => {
  it('ends with a shutdown, a pause, or without a ready worker', () => {
    expect(unreadiness(serverStatus())).toEqual([]);
    expect(unreadiness(serverStatus({ stopping: true }))).toEqual(['it shuts down']);
    expect(unreadiness(serverStatus({ paused: true }))).toEqual(['it is paused']);
    expect(unreadiness(serverStatus({ workers: [workerStatus({ phase: 'starting' })] }))).toEqual(['no worker is ready']);
  });

  it('does not end because every place is taken: clients queue', () => {
    expect(unreadiness(full)).toEqual([]);
  });
});

describe('the agent\'s line', () => {
  it('names the state in HAProxy\'s words', () => {
    expect(agentLine(serverStatus())).toBe('ready up 100%\n');
    expect(agentLine(serverStatus({ paused: true }))).toBe('maint\n');
    expect(agentLine(serverStatus({ paused: true, stopping: true }))).toBe('drain\n');
    expect(agentLine(serverStatus({ workers: [] }))).toBe('down # no worker is ready\n');
  });

  it('has the free places as weight, and never a weight of 0', () => {
    expect(agentLine(full)).toBe('ready up 1%\n');
    expect(sparePercent(serverStatus({ totals: { connections: 5 }, limits: { MaxServer: 10, MaxSessionPerServer: 2 } }))).toBe(75);
    expect(sparePercent(serverStatus({ totals: { connections: 5 }, limits: { MaxServer: 10, MaxSessionPerServer: 2, MaxSession: 10 } }))).toBe(50);
    expect(sparePercent(serverStatus({ totals: { connections: 5, queued: 95 }, limits: { MaxSession: 10 } }))).toBe(1);
    expect(sparePercent(serverStatus({ limits: { Concurrency: 0 } }))).toBe(1);
  });
});
