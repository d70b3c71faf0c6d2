import { Queue } from 'bullmq';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/demo/heroku/free-port.ts';
import { startChromium, visit } from '../support/chromium.ts';
import { startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startScriptedHeroku, type ScriptedHeroku } from '../support/scripted-heroku.ts';

const token = 'correct-horse-battery-staple';

let redis: RedisServer;
let heroku: ScriptedHeroku;
let browser: Browser;
let urls: { readonly run: string; readonly web: string };
const daemons: RunningDaemon[] = [];

beforeAll(async () => {
  browser = await startChromium();
  redis = await startRedis();
  heroku = await startScriptedHeroku();
  const queue = new Queue('emails', { connection: { url: redis.url } });
  await queue.addBulk(Array.from({ length: 70 }, () => ({ name: 'send', data: {} })));
  await queue.close();
  urls = { run: await start('run'), web: await start('web') };
});

afterAll(async () => {
  for (const daemon of daemons) {
    daemon.kill('SIGKILL');
    await daemon.finished;
  }
  await browser.close();
  await heroku.stop();
  await redis.stop();
});

async function start(command: 'run' | 'web'): Promise<string> {
  const port = String(await freePort());
  const daemon = startDaemon(
    {
      ...{ REDIS_URL: redis.url, PORT: port, METRICS_TOKEN: token },
      ...{ HEROKU_APP_NAME: 'demo', HEROKU_API_KEY: heroku.token, HEROKU_API_URL: heroku.url },
      ...{ QUEUES: 'emails', EVENTS_PER_WORKER: '10', POLL_INTERVAL: '1s' },
    },
    [command],
  );
  daemons.push(daemon);
  await daemon.until(({ port: served, outcome }) =>
    command === 'run' ? outcome === 'held' : served !== undefined,
  );
  return `http://127.0.0.1:${port}`;
}

async function logIn(page: Page, url: string, typed: string): Promise<void> {
  await page.goto(url);
  // The field has the focus as soon as it is drawn: nobody needs a mouse.
  await page.locator('input:focus').waitFor();
  await page.keyboard.type(typed);
  await page.keyboard.press('Enter');
}

test.each(['run', 'web'] as const)(
  'somebody with the token and a keyboard sees the pool and its charts, served by `%s`, and leaves',
  async (command) => {
    const { page, complaints } = await visit(browser);
    await logIn(page, urls[command], token);
    await page.getByRole('heading', { name: 'worker', exact: true }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
    await expect.poll(() => page.locator('.figures dd').first().textContent()).toBe('7');
    // The script reads the page anew when it is switched on again, and the charts come with the ticks.
    await expect
      .poll(
        async () => {
          await page.reload();
          return page.locator('.past li').count();
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    expect(await page.locator('.chart path.line').count()).toBe(4);
    expect(await page.locator('.line.demand').getAttribute('d')).toMatch(/^M[\d.]+,[\d.]+L/);

    const [cookie, ...others] = await page.context().cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', secure: false, path: '/' });
    expect(cookie?.value).not.toContain(token);
    expect(await page.evaluate('document.cookie')).toBe('');

    await page.getByRole('button', { name: 'Log out' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('METRICS_TOKEN').waitFor();
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(urls[command]);
    await page.getByLabel('METRICS_TOKEN').waitFor();
    // A form where a page was asked for comes with 401, which the browser tells developers.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
    await page.context().close();
  },
);

test('somebody with a wrong token is told so, and can try again', async () => {
  const { page } = await visit(browser);
  await logIn(page, urls.run, 'a wrong one');
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').textContent()).toBe('That is not the METRICS_TOKEN.');
  expect(await page.context().cookies()).toEqual([]);
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'worker', exact: true }).waitFor();
  await page.context().close();
});

test('a page whose session has ended asks for the token again', async () => {
  const { page } = await visit(browser);
  await logIn(page, urls.run, token);
  await page.getByRole('heading', { name: 'worker', exact: true }).waitFor();
  await page.context().clearCookies();
  const live = page.getByRole('checkbox', { name: 'keep up to date' });
  await live.click();
  await live.click();
  await page.getByLabel('METRICS_TOKEN').waitFor();
  await page.context().close();
});
