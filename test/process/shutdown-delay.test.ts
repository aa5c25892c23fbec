import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/admin-client.js';
import { withMaster } from '../support/master-process.js';
import { nextSignal } from '../support/wait.js';
import { ONE, QUICK, TWO } from '../support/with-server.js';

describe('ShutdownDelay', () => {
  it('serves on after a signal while balancers leave; a second signal ends it, and none is lost', async () => {
    await withMaster({ options: { ...ONE, ShutdownDelay: 60, Admin: { Port: 0, AgentPort: 0 }, std: { printStatus: true } } }, async (master) => {
      const port = await master.up();
      const { admin } = await master.status();
      const readyz = async (): Promise<number> => (await ask(`${admin?.url ?? ''}readyz`)).code;
      const early = await master.join(port);
      expect(await readyz()).toBe(200);

      master.signal('SIGTERM');
      await master.until(() => (master.all('snapshot').some(({ status }) => (status as { stopping: boolean }).stopping) ? true : undefined), () => 'the status "stopping"');
      expect(await readyz()).toBe(503);
      let agent = '';
      for await (const piece of connect(admin?.agentPort ?? 0, '127.0.0.1').setEncoding('utf8')) agent += String(piece);
      expect(agent).toBe('drain\n');
      const late = await master.join(port);
      await late.echo('still served');
      await early.echo('so am I');
      expect(master.all('worker:drain')).toEqual([]);

      await nextSignal();
      master.signal('SIGINT');
      await master.event('worker:drain');
      await late.quit();
      await early.quit();

      expect(await master.exit()).toEqual({ code: 0, signal: null });
    });
  });

  it('is kept when the signal goes to the whole process group, as systemd and timeout send it', async () => {
    await withMaster({ detached: true, options: { ...TWO, ...QUICK, ShutdownDelay: 60, std: { printStatus: true } } }, async (master) => {
      const port = await master.up();
      await master.ready(2);

      master.signalGroup('SIGTERM');
      await master.heartbeats();
      const late = await master.join(port);
      await late.echo('still served');
      expect(master.all('worker:drain')).toEqual([]);

      await nextSignal();
      master.signal('SIGINT');
      await master.event('worker:drain');
      await late.quit();

      expect(await master.over()).toEqual({ code: 0, signal: null });
      expect(master.all('worker:drain').map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown']);
    });
  });
});
