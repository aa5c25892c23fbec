import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { adminUrl } from '../support/admin-client.js';
import { complaints, withBrowser } from '../support/browser.js';
import { requireTool } from '../support/tools.js';
import { QUICK, TWO, withServer, type Running } from '../support/with-server.js';

const Token = 'sesame-4711';
const SETUP = { ...TWO, ...QUICK, MaxServer: 6, MinServer: 2, StartServer: 2, Admin: { Port: 0, Token }, HangReport: true, program: 'survive.mjs', Alias: '<i>&"pool"' };
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Opens the page and waits until it shows the pool. */
async function open(page: Page, running: Running, hash = `#token=${Token}`): Promise<void> {
  page.setDefaultTimeout(15_000);
  await page.goto(adminUrl(running) + hash);
  await page.getByText('connected', { exact: true }).waitFor();
  await page.locator('.cell').first().waitFor();
}

const cellOf = (page: Page, pid: number): ReturnType<Page['locator']> => page.locator(`.cell[data-pid="${pid}"]`);

describe.runIf(requireTool('chromium'))('The page in Chromium', { timeout: 90_000 }, () => {
  it('follows a pool that grows, a killed and a hung worker, obeys its buttons, and says when the master is gone', async () => {
    await withBrowser(async (context) => {
      const page = await context.newPage();
      const noted = complaints(page);
      await withServer(SETUP, async (running) => {
        await running.settled(2);
        await open(page, running);
        expect(page.url()).toBe(adminUrl(running));
        expect(await page.locator('h1').textContent()).toBe('<i>&"pool"');

        running.server.born(2);
        await page.locator('.cell.idle').nth(3).waitFor();

        const [first = 0, second = 0] = running.ready;
        await cellOf(page, first).click();
        await page.getByRole('button', { name: 'Kill' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Yes' }).click();
        expect((await running.exit(first)).detail.reason).toBe('killed:asked');
        await page.locator('#events li', { hasText: `Worker ${first} has gone` }).waitFor();
        await cellOf(page, first).waitFor({ state: 'detached' });

        const client = await running.join();
        const hung = client.pid;
        client.send('spin 2\n');
        await page.locator('#hangs pre', { hasText: 'survive.mjs' }).waitFor();
        await page.locator(`.cell.hung[data-pid="${hung}"]`).waitFor();
        await page.locator('#hung').waitFor({ state: 'hidden' });

        await page.getByRole('button', { name: 'Pause' }).click();
        await page.locator('#mode', { hasText: 'paused' }).waitFor();
        expect(running.server.status().paused).toBe(true);
        await page.getByRole('button', { name: 'Resume' }).click();
        await page.locator('#mode', { hasText: 'serving' }).waitFor();

        await page.getByRole('button', { name: 'clients', exact: true }).click();
        expect(await page.locator('th', { hasText: 'clients' }).getAttribute('aria-sort')).toBe('ascending');
        await page.locator('.cell').first().focus();
        await page.keyboard.press('End');
        await page.keyboard.press('Enter');
        await page.locator('#worker h3').waitFor();
        expect([second === 0, noted]).toEqual([false, []]);
      });
      await page.getByText('connection lost').waitFor();
      expect(await page.getByRole('alert').textContent()).toContain('The master does not answer');
    });
  });

  it('comes back by itself when the master does', async () => {
    await withBrowser(async (context) => {
      const page = await context.newPage();
      let port = 0;
      await withServer(SETUP, async (running) => {
        await open(page, running);
        port = Number(new URL(adminUrl(running)).port);
      });
      await page.getByText('connection lost').waitFor();
      await withServer({ ...SETUP, Admin: { Port: port, Token } }, async (running) => {
        await running.settled(2);
        await page.getByText('connected', { exact: true }).waitFor();
        await cellOf(page, running.ready[0] ?? 0).waitFor();
      });
    });
  });

  it('has no fault that axe finds, in light and dark, on a screen and on a phone', async () => {
    await withBrowser(async (context) => {
      await withServer(SETUP, async (running) => {
        for (const colorScheme of ['light', 'dark'] as const) {
          for (const width of [1200, 375]) {
            const page = await context.newPage();
            await page.emulateMedia({ colorScheme });
            await page.setViewportSize({ width, height: 800 });
            await open(page, running);
            await page.locator('.cell').first().click();
            // By the debugger, which the page's policy does not bind.
            const session = await context.newCDPSession(page);
            await session.send('Runtime.evaluate', { expression: readFileSync(axe, 'utf8') });
            const violations = await page.evaluate(async () => {
              const { axe: found } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
              return (await found.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
            });
            const isTooWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');

            expect({ colorScheme, width, violations, isTooWide }).toEqual({ colorScheme, width, violations: [], isTooWide: false });
            await page.close();
          }
        }
      });
    });
  });

  it('cannot be used by the pages of others: by a rebound name, by a form, or by a script', async () => {
    await withBrowser(async (context) => {
      const other: Server = createServer((_request, response) => { response.setHeader('Content-Type', 'text/html').end('<title>attacker</title>'); });
      await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve); });
      try {
        await withServer({ ...SETUP, Admin: { Port: 0, Token } }, async (running) => {
          const url = adminUrl(running);
          const page = await context.newPage();
          const rebound = await page.goto(url.replace('127.0.0.1', 'attacker.example'));
          expect(rebound?.status()).toBe(421);

          await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
          const answers = await page.evaluate(async ({ target, token }) => {
            const tried = async (path: string, init: RequestInit): Promise<string> => fetch(target + path, init).then((response) => `read ${response.status}`, () => 'refused');
            return Promise.all([
              tried('status', {}),
              tried('pause', { method: 'POST', headers: { Authorization: `Bearer ${token}` } }),
              tried('pause', { method: 'POST', mode: 'no-cors' }),
            ]);
          }, { target: url, token: Token });
          expect(answers.slice(0, 2)).toEqual(['refused', 'refused']);
          const posted = page.waitForResponse(`${url}pause`);
          await page.setContent(`<form method="post" action="${url}pause"><button>click me</button></form>`);
          await page.getByRole('button').click();
          expect((await posted).status()).toBe(403);
          expect(running.server.status().paused).toBe(false);
        });
      } finally {
        other.close();
      }
    });
  });
});
