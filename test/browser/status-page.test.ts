import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loginPage } from '../../src/telemetry/page/login-page.ts';
import { errorPage } from '../../src/telemetry/page/error-page.ts';
import { statusPage } from '../../src/telemetry/page/status-page.ts';
import { startServer, type TelemetryServer } from '../../src/telemetry/http/server.ts';
import { startChromium, visit } from '../support/chromium.ts';
import { pageOfAllKinds } from '../support/page-views.ts';
import { ticksOfAllKinds } from '../support/tick-records.ts';

let browser: Browser;
let server: TelemetryServer;
/** What the server answers with, which a test may change. */
let html = '';
/** How far back the charts were to reach, each time that the page was asked for. */
let askedHours: number[] = [];

beforeAll(async () => {
  browser = await startChromium();
  server = await startServer({
    ...{ port: 0, host: '127.0.0.1', token: null, nowMs: Date.now },
    sources: {
      metrics: () => Promise.resolve(''),
      health: () => Promise.reject(new Error('nobody asks')),
      status: () => Promise.reject(new Error('nobody asks')),
      page: ({ hours }) => {
        askedHours.push(hours);
        return Promise.resolve(html);
      },
    },
  });
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

async function open(options: BrowserContextOptions) {
  const visited = await visit(browser, options);
  await visited.page.goto(`http://127.0.0.1:${String(server.port)}/`);
  return visited;
}

/** What the rules of WCAG 2.2 AA that a program can check find wrong, contrast and labels among them. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate<axe.AxeResults>('axe.run()');
  return found.flatMap(({ id, nodes }) => nodes.map(({ html: node }) => `${id}: ${node}`));
}

const view = pageOfAllKinds();
const pages = {
  'the status page': statusPage(view),
  'the form': loginPage(view.span, 'That is not the METRICS_TOKEN.'),
  'an error': errorPage(view.span, {
    code: 'STATE_UNAVAILABLE',
    message: 'no answer',
    hint: 'Look at it.',
  }),
};

test.each(
  Object.keys(pages).flatMap((name) =>
    (['light', 'dark'] as const).flatMap((scheme) =>
      [1280, 360].map((width) => [name, scheme, width] as const),
    ),
  ),
)(
  '%s, %s and %i pixels wide, fits and can be used by everybody',
  async (name, colorScheme, width) => {
    html = pages[name as keyof typeof pages];
    const viewport = { width, height: 800 };
    const { page, complaints } = await open({ viewport, colorScheme });
    await keepScreenshot(page, `${name}-${String(width)}-${colorScheme}`);
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBeLessThanOrEqual(0);
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  },
);

async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['AUTOSCALER_SCREENSHOTS'];
  if (folder)
    await page.screenshot({ path: `${folder}/${name.replaceAll(' ', '-')}.png`, fullPage: true });
}

test('shows a chart of the past, or says why there is none', async () => {
  html = pages['the status page'];
  const { page } = await open({});
  expect(await page.locator('section').count()).toBe(ticksOfAllKinds().length);
  const first = page.locator('#pool-pool-0');
  expect(await first.locator('.chart').count()).toBe(3);
  expect(await page.locator('#pool-pool-1 .notice').textContent()).toContain('ECONNREFUSED');
  await page.context().close();
});

test('says what was under the pointer, and then again what is', async () => {
  html = pages['the status page'];
  const { page } = await open({ viewport: { width: 1280, height: 800 } });
  const first = page.locator('.charts').first();
  const legend = first.locator('[data-value=demandJobs]');
  expect(await legend.textContent()).toBe('1,270');
  const chart = first.locator('.chart').first();
  const box = await chart.boundingBox();
  await chart.hover({ position: { x: (box?.width ?? 0) / 2, y: 60 } });
  await expect.poll(() => first.locator('.when').textContent()).toMatch(/^\d\d:\d\d UTC$/);
  expect(await legend.textContent()).not.toBe('1,270');
  await page.mouse.move(5, 5);
  await expect.poll(() => first.locator('.when').textContent()).toBe('now');
  expect(await legend.textContent()).toBe('1,270');
  await page.context().close();
});

test('comes up to date in place: what was unfolded, the focus and the scrolling stay', async () => {
  html = pages['the status page'];
  const { page, complaints } = await open({ viewport: { width: 1280, height: 600 } });
  await page.locator('summary').first().click();
  await page.evaluate('scrollTo(0, 500)');
  html = statusPage({
    ...pageOfAllKinds(),
    pools: pageOfAllKinds().pools.map((view) => ({
      ...view,
      report: { ...view.report, desiredWorkers: 77 },
    })),
  });
  const live = page.getByRole('checkbox', { name: 'keep up to date' });
  // Switching it on again brings the page up to date at once, without moving there.
  for (let times = 0; times < 2; times += 1) await live.dispatchEvent('click');
  await expect.poll(() => page.locator('.figures').first().textContent()).toContain('77');
  expect(await page.locator('details').first().getAttribute('open')).toBe('');
  expect(await page.evaluate('document.activeElement.localName')).toBe('summary');
  expect(await page.evaluate('scrollY')).toBe(500);
  expect(await live.isChecked()).toBe(true);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('stays with the hours that somebody chose', async () => {
  html = pages['the status page'];
  const { page } = await open({});
  const span = page.getByRole('navigation', { name: 'How far back the charts reach' });
  await span.getByRole('link', { name: '24 h' }).click();
  await page.waitForURL('**/?hours=24');
  askedHours = [];
  const live = page.getByRole('checkbox', { name: 'keep up to date' });
  for (let times = 0; times < 2; times += 1) await live.dispatchEvent('click');
  await expect.poll(() => askedHours.length).toBeGreaterThan(0);
  expect(new Set(askedHours)).toEqual(new Set([24]));
  await page.context().close();
});

test('says all without a script, and loads itself anew', async () => {
  html = pages['the status page'];
  const { page } = await open({ javaScriptEnabled: false });
  expect(await page.locator('#pool-pool-0 .chart .line').count()).toBe(4);
  expect(await page.locator('#pool-pool-0 .past li').count()).toBeGreaterThan(3);
  expect(await page.locator('meta[http-equiv=refresh]').count()).toBe(1);
  expect(await page.locator('.live').isVisible()).toBe(false);
  await page.context().close();
});
