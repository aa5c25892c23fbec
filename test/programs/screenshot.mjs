// Makes examples/admin-page.png: a pool at work, as its page shows it. node test/programs/screenshot.mjs [FILE [dark]]
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PreforkTcpServer } from 'prefork-tcp-server';

const server = new PreforkTcpServer({
  Address: '127.0.0.1', Port: 0, Alias: 'echo', MaxServer: 40, StartServer: 12, MinServer: 10, MaxSessionPerServer: 4,
  MasterHeartBeatTime: 2, MaxServerExpireTime: 60, HangReport: true, Admin: { Port: 0, Token: 'screenshot' },
  ClientInput({ heap, input }) {
    if (input === 'block') for (const end = Date.now() + 50_000; Date.now() < end;) Math.sqrt(end);
    if (input === 'crash') process.exit(1);
    heap.client.put(input);
  },
});

if (server.isMaster) {
  const { chromium } = await import('playwright-core');
  const [file = fileURLToPath(new URL('../../examples/admin-page.png', import.meta.url)), colorScheme = 'light'] = process.argv.slice(2);
  await server.ready();
  await server.waitUntil(({ totals }) => totals.ready >= 12);
  const profile = mkdtempSync(join(tmpdir(), 'prefork-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', headless: true, chromiumSandbox: false, colorScheme, viewport: { width: 1100, height: 1200 },
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const page = await context.newPage();
  page.on('console', (message) => console.log(message.text()));
  page.on('pageerror', (error) => console.log(error.message));
  await page.goto(`${server.status().admin.url}#token=screenshot`);
  const { port } = server.address();
  const clients = Array.from({ length: 45 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await server.waitUntil(({ totals }) => totals.connections >= 40);
  clients[0].write('crash\n');
  clients[20].write('block\n');
  await page.locator('#hangs pre').filter({ hasText: 'screenshot.mjs' }).waitFor({ timeout: 30_000 });
  for (const client of clients.slice(30)) client.destroy();
  await page.waitForFunction(() => document.querySelectorAll('#events li').length > 5);
  await page.locator('.cell.busy').first().waitFor();
  // It ends with the server: however slow this machine is, the worker hangs still.
  await page.locator('.cell.hung').waitFor();
  await page.screenshot({ path: file, fullPage: false });
  await context.close();
  rmSync(profile, { recursive: true, force: true });
  for (const client of clients) client.destroy();
  await server.shutdown({ grace: 0 });
  process.exit();
}
