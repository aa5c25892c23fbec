import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { adminUrl } from '../support/admin-client.js';
import { complaints, withBrowser, withPage } from '../support/browser.js';
import { FakePool, manyWorkers, openFakeAdmin } from '../support/fake-pool.js';
import { Gate } from '../support/gate.js';
import { withMaster } from '../support/master-process.js';
import { ScriptLink } from '../support/script-link.js';
import { shared } from '../support/shared.js';
import { serverStatus } from '../support/status.js';
import { requireTool } from '../support/tools.js';
import { QUICK, TWO, program, withServer, type Running } from '../support/with-server.js';

const Token = 'sesame-4711';
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Opens a page and waits until it shows a pool. */
async function open(page: Page, url: string, hash = `#token=${Token}`): Promise<void> {
  await page.goto(url + hash);
  await page.getByText('connected', { exact: true }).waitFor();
  await page.locator('.cell').first().waitFor();
}

const cellOf = (page: Page, pid: number): ReturnType<Page['locator']> => page.locator(`.cell[data-pid="${pid}"]`);

describe.runIf(requireTool('chromium'))('The page in Chromium', { timeout: 60_000 }, () => {
  const browser = shared<BrowserContext>(withBrowser);

  describe('of a pool', () => {
    const script = new ScriptLink();
    const GOOD = `import ${JSON.stringify(program('survive.mjs').href)};`;
    const pool = shared<Running>(async (body) => {
      script.lead(GOOD);
      try {
        await withServer({
          ...QUICK, MaxServer: 6, MinServer: 2, StartServer: 2, Admin: { Port: 0, Token }, HangReport: true, ReloadSettleTime: 0.1,
          Script: script.path, Alias: '<i>&"pool"',
        }, async (running) => {
          await running.settled(2);
          await body(running);
        });
      } finally {
        script.remove();
      }
    });
    let page: Page;
    let noted: string[];

    beforeAll(async () => {
      // Goes with the browser.
      page = await browser().newPage();
      page.setDefaultTimeout(15_000);
      noted = complaints(page);
      await open(page, adminUrl(pool()));
    });

    it('takes the token out of the address bar, and an Alias for a text', async () => {
      expect(page.url()).toBe(adminUrl(pool()));
      expect(await page.locator('h1').textContent()).toBe('<i>&"pool"');
    });

    it('follows a pool that grows, a killed worker, and obeys its buttons', async () => {
      const running = pool();
      running.server.born(2);
      await page.locator('.cell.idle').nth(3).waitFor();

      const [first = 0, second = 0] = running.ready;
      await cellOf(page, first).click();
      await page.getByRole('button', { name: 'Kill', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Yes', exact: true }).click();
      expect((await running.exit(first)).detail.reason).toBe('killed:asked');
      await page.locator('#events li', { hasText: `Worker ${first} has gone` }).waitFor();
      await cellOf(page, first).waitFor({ state: 'detached' });

      await cellOf(page, second).click();
      await page.getByRole('button', { name: 'Drain', exact: true }).click();
      expect((await running.exit(second)).detail.reason).toBe('asked');

      await page.getByRole('button', { name: 'Pause', exact: true }).click();
      await page.locator('#mode', { hasText: 'paused' }).waitFor();
      expect(running.server.status().paused).toBe(true);
      await page.getByRole('button', { name: 'Resume', exact: true }).click();
      await page.locator('#mode', { hasText: 'serving' }).waitFor();
      expect(noted).toEqual([]);
    });

    it('shows where a worker hangs, until it does no more', async () => {
      using gate = new Gate();
      const client = await pool().join();
      client.send(`spin ${gate.path}\n`);
      await page.locator('#hangs pre', { hasText: 'handlers.mjs' }).waitFor();
      await page.locator(`.cell.hung[data-pid="${client.pid}"]`).waitFor();
      gate.open();
      await page.locator('#hung').waitFor({ state: 'hidden' });
      client.close();
    });

    it('reloads, and says which release serves and why another does not', async () => {
      const running = pool();
      const old = running.ready;
      const releases = page.locator('#releases');
      expect(await releases.textContent()).toBe('Release 1 serves. There was no reload yet.');

      script.lead(GOOD);
      await page.getByRole('button', { name: 'Reload', exact: true }).click();
      await releases.filter({ hasText: 'Release 2 serves.' }).filter({ hasText: /The last reload took \d+\.\d s\./ }).waitFor();
      expect(running.server.status().lastReload).toMatchObject({ result: 'done', release: 2 });
      for (const pid of old) await cellOf(page, pid).waitFor({ state: 'detached' });

      script.lead('throw new Error("no such table: users");');
      await page.getByRole('button', { name: 'Reload', exact: true }).click();
      await page.getByRole('alert').filter({ hasText: /Reload: Release 3 .* was not accepted; worker \d+ ended before it was ready \(exit code 1\)\. The previous release goes on serving\.[^]*no such table: users/ }).waitFor();
      await releases.filter({ hasText: /Release 2 serves\. The last reload, to release 3, failed: .*was not accepted/ }).waitFor();
      await page.locator('#events li.error', { hasText: 'Release 3' }).waitFor();
      // What the button brought to light stays while the page goes on.
      running.server.pause();
      await page.locator('#mode', { hasText: 'paused' }).waitFor();
      running.server.resume();
      expect(await page.getByRole('alert').textContent()).toContain('no such table: users');
    });
  });

  it('says when the master is gone, and comes back by itself', async () => {
    await withPage(browser(), async (page) => {
      const admin = await openFakeAdmin(new FakePool(), { Port: 0, Token });
      await open(page, admin.url);
      admin.close();
      await page.getByText('connection lost').waitFor();
      expect(await page.getByRole('alert').textContent()).toContain('The master does not answer');

      const next = await openFakeAdmin(new FakePool(serverStatus({ alias: 'risen' })), { Port: Number(new URL(admin.url).port), Token });
      try {
        await page.getByText('connected', { exact: true }).waitFor();
        await page.getByRole('heading', { name: 'risen' }).waitFor();
        expect(await page.getByRole('alert').count()).toBe(0);
      } finally {
        next.close();
      }
    });
  });

  it('says after 8 s of silence when the master is stopped, and goes on with it', async () => {
    await withMaster({ options: { ...TWO, Admin: { Port: 0 }, std: { printStatus: true } } }, async (master) => {
      const { admin } = await master.status(({ totals }) => totals.ready === 2);
      await withPage(browser(), async (page) => {
        // The page's clock, so that the test need not wait.
        await page.clock.install();
        await open(page, admin?.url ?? '', '');
        master.signal('SIGSTOP');
        await page.clock.fastForward(8000);
        await page.getByText('connection lost').waitFor();
        expect(await page.getByRole('alert').textContent()).toContain('The master does not answer. It has said nothing for 8 seconds.');

        master.signal('SIGCONT');
        await page.clock.fastForward(1000);
        await page.getByText('connected', { exact: true }).waitFor();
        expect(await page.getByRole('alert').count()).toBe(0);
      });
    });
  });

  it('has buttons for those with the token only', async () => {
    const admin = await openFakeAdmin(new FakePool(), { Port: 0, Token });
    try {
      await withPage(browser(), async (page) => {
        await open(page, admin.url, '#');
        expect(await page.getByRole('button', { name: 'Reload', exact: true }).count()).toBe(0);
        await page.getByLabel('Token').fill(Token);
        await page.getByRole('button', { name: 'Use it', exact: true }).click();
        await page.getByRole('button', { name: 'Reload', exact: true }).waitFor();
      });
    } finally {
      admin.close();
    }
  });

  it('cannot be used by the pages of others: by a rebound name, by a script, or by a form', async () => {
    const pool = new FakePool();
    const admin = await openFakeAdmin(pool, { Port: 0, Token });
    const other = createServer((_request, response) => { response.setHeader('Content-Type', 'text/html').end(`<form method="post" action="${admin.url}pause"><button>click me</button></form>`); });
    await once(other.listen(0, '127.0.0.1'), 'listening');
    try {
      await withPage(browser(), async (page) => {
        expect((await page.goto(admin.url.replace('127.0.0.1', 'attacker.example')))?.status()).toBe(421);

        await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
        const answers = await page.evaluate(async ({ target, token }) => {
          // Without a bound, a request that is neither answered nor refused would only be known as a test that took too long.
          const tried = async (path: string, init: RequestInit): Promise<string> => fetch(target + path, { ...init, signal: AbortSignal.timeout(10_000) })
            .then((response) => `read ${response.status}`, (error: unknown) => (error instanceof DOMException && error.name === 'TimeoutError' ? 'no answer' : 'refused'));
          return Promise.all([
            tried('status', {}),
            tried('pause', { method: 'POST', headers: { Authorization: `Bearer ${token}` } }),
            tried('pause', { method: 'POST', mode: 'no-cors' }),
          ]);
        }, { target: admin.url, token: Token });
        expect(answers).toEqual(['refused', 'refused', 'refused']);

        await page.getByRole('button').click({ noWaitAfter: true });
        await page.waitForURL(`${admin.url}pause`);
        expect(await page.textContent('body')).toContain('Requests from pages of other sites are refused.');
      });
      expect(pool.asked).toEqual([]);
    } finally {
      admin.close();
      other.close();
    }
  });

  describe('of a large pool', () => {
    const large = (workers: number): ReturnType<typeof serverStatus> => serverStatus({
      workers: manyWorkers(workers), limits: { MaxServer: 250, Backlog: 511 }, totals: { queued: 12, exits: { ...serverStatus().totals.exits, crashed: 3, lifetime: 41 } },
      release: 3, lastReload: { result: 'failed', release: 4, at: Date.now(), seconds: 2, text: 'Release 4 was not accepted; worker 4711 ended before it was ready (exit code 1).' },
    });
    const SCREENS = [1200, 375].flatMap((width) => (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })));

    /** Shows a pool with workers in every state, one of which hangs and is chosen. */
    async function withLarge(workers: number, body: (page: Page, status: ReturnType<typeof serverStatus>) => Promise<void>): Promise<void> {
      const pool = new FakePool(large(workers));
      const admin = await openFakeAdmin(pool, { Port: 0, Token });
      try {
        const [hung = 0] = pool.status().workers.filter(({ phase, connections }) => phase === 'ready' && connections > 1).map(({ pid }) => pid);
        pool.emit({ name: 'worker:hung', detail: { pid: hung, id: 1, blockedFor: 2.5, stack: [{ functionName: 'spin', url: 'file:///srv/app.js', line: 7, column: 3 }] } });
        pool.emit({ name: 'worker:exit', detail: { pid: 4711, id: 0, code: 1, signal: null, reason: 'crashed', text: 'exit code 1', connections: 2, served: 5 } });
        await withPage(browser(), async (page) => {
          const noted = complaints(page);
          await open(page, admin.url);
          await page.locator(`.cell.hung[data-pid="${hung}"]`).click();
          await body(page, pool.status());
          expect(noted).toEqual([]);
        });
      } finally {
        admin.close();
      }
    }

    it('has no fault that axe finds, in light and dark, on a screen and on a phone', async () => {
      await withLarge(20, async (page) => {
        const session = await browser().newCDPSession(page);
        // By the debugger, which the page's policy does not bind.
        await session.send('Runtime.evaluate', { expression: readFileSync(axe, 'utf8') });
        for (const { width, colorScheme } of SCREENS) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
          const violations = await page.evaluate(async () => {
            const { axe: found } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
            return (await found.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
          });

          expect({ colorScheme, width, violations }).toEqual({ colorScheme, width, violations: [] });
        }
      });
    });

    it('stays readable with 200 workers, by mouse, finger and keyboard', async () => {
      await withLarge(200, async (page, { workers }) => {
        for (const width of [1200, 375]) {
          await page.setViewportSize({ width, height: 800 });
          const board = await page.locator('#board').boundingBox();
          const cell = await page.locator('.cell').last().boundingBox();
          expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
          // A finger hits it (WCAG 2.2, 2.5.8), and the whole board is seen at once.
          expect(Math.min(cell?.width ?? 0, cell?.height ?? 0)).toBeGreaterThanOrEqual(24);
          expect(board?.height).toBeLessThanOrEqual(800);
        }
        const counts = await page.locator('#legend b').allTextContents();
        expect(counts.reduce((sum, text) => sum + Number.parseInt(text, 10), 0)).toBe(200);
        expect(await page.locator('tbody tr').count()).toBe(200);

        const served = page.locator('th', { hasText: 'served' });
        await served.getByRole('button').click();
        await served.getByRole('button').click();
        expect(await served.getAttribute('aria-sort')).toBe('descending');
        expect(await page.locator('tbody tr').first().locator('td').nth(3).textContent()).toBe(String(Math.max(...workers.map((worker) => worker.served))));

        await page.locator('.cell').first().focus();
        await page.keyboard.press('End');
        await page.keyboard.press('Enter');
        await page.locator('#worker h3', { hasText: `Worker ${workers.at(-1)?.pid ?? 0}` }).waitFor();
      });
    });
  });
});
