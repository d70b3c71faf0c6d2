import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statusPage } from '../../src/telemetry/page/status-page.ts';
import { healthOf, tickReport } from '../../src/telemetry/report.ts';
import { startServer, type TelemetryServer } from '../../src/telemetry/http/server.ts';
import { bounds, ticksOfAllKinds } from '../support/tick-records.ts';

const executablePath = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(existsSync);
/** Keeps the browser from calling anybody but the server under test. */
const quiet = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
let server: TelemetryServer;

beforeAll(async () => {
  const nowMs = Date.now();
  const records = ticksOfAllKinds().map((record, index) => ({
    ...record,
    pool: `pool-${String(index)}`,
  }));
  const status = { pools: records.map((record) => tickReport(record, bounds)) };
  const pools = records.map(({ pool, error }) => ({
    pool,
    intervalMs: 60_000,
    lastGoodTickAtMs: error === null ? nowMs : null,
  }));
  const health = healthOf(pools, nowMs);
  server = await startServer({
    port: 0,
    host: '127.0.0.1',
    token: null,
    nowMs: Date.now,
    sources: {
      metrics: () => Promise.resolve(''),
      health: () => Promise.resolve(health),
      status: () => Promise.resolve(status),
      page: () => Promise.resolve(statusPage(status, health, { isGuarded: false })),
    },
  });
  if (executablePath === undefined)
    throw new Error('Chromium is not installed: see CONTRIBUTING.md');
  browser = await chromium.launch({ executablePath, args: quiet });
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

async function open(
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    colorScheme,
    javaScriptEnabled: true,
  });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('requestfailed', (request) => complaints.push(request.url()));
  await page.goto(`http://127.0.0.1:${String(server.port)}/`);
  return { page, complaints };
}

test.each([
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
] as const)(
  'shows every pool at %i pixels, %s, without a complaint of the browser',
  async (width, colorScheme) => {
    const { page, complaints } = await open(width, colorScheme);
    expect(await page.locator('section').count()).toBe(ticksOfAllKinds().length);
    expect(await page.locator('h2').first().textContent()).toBe('pool-0');
    const overflow: unknown = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
    const folder = process.env['AUTOSCALER_SCREENSHOTS'];
    if (folder)
      await page.screenshot({
        path: `${folder}/status-${String(width)}-${colorScheme}.png`,
        fullPage: true,
      });
    await page.close();
  },
);
