import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { toolPath } from './tools.js';

/** A browser without a screen that speaks to this machine only, with an empty profile. */
export async function withBrowser(body: (context: BrowserContext) => Promise<void>): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'prefork-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: toolPath('chromium'), headless: true, chromiumSandbox: false, timeout: 20_000, viewport: { width: 1200, height: 900 },
    args: [
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP attacker.example 127.0.0.1, EXCLUDE localhost',
    ],
  });
  try {
    await body(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/**
 * Shows a page of its own, each of whose steps is bounded.
 *
 * Chromium says yes to a close that comes while a navigation commits, and forgets it (https://issues.chromium.org/issues/536385539);
 * page.close() then waits without a bound. After a navigation that has been waited for there is none to collide with.
 */
export async function withPage(browser: BrowserContext, body: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  try {
    await body(page);
  } finally {
    await page.goto('about:blank');
    await page.close();
  }
}

/** Notes what a page complains about: violations of its policy, uncaught errors, and requests that were refused. */
export function complaints(page: Page): string[] {
  const noted: string[] = [];
  page.on('console', (message) => { if (message.type() === 'error') noted.push(message.text()); });
  page.on('pageerror', (error) => { noted.push(error.message); });
  return noted;
}
