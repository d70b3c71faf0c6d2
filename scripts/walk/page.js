import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const views = [
  { name: 'desktop-light', width: 1280, colorScheme: 'light' },
  { name: 'desktop-dark', width: 1280, colorScheme: 'dark' },
  { name: 'phone-light', width: 390, colorScheme: 'light' },
  { name: 'phone-dark', width: 390, colorScheme: 'dark' },
];

/**
 * Takes a picture of all of the page in light and dark, as wide as a desktop and a phone. Answers the version of the browser,
 * the files, and whatever the browser had to complain of.
 */
export async function photograph(url, folder) {
  const browser = await chromium.launch({
    executablePath: places.find(existsSync),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
  try {
    const complaints = [];
    const files = [];
    for (const { name, width, colorScheme } of views) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      page.on('console', (message) => complaints.push(`${name}: ${message.text()}`));
      page.on('pageerror', (error) => complaints.push(`${name}: ${error.message}`));
      page.on('requestfailed', (request) => complaints.push(`${name}: ${request.url()}`));
      await page.goto(url);
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
      files.push(`${name}.png`);
      await page.close();
    }
    return { version: browser.version(), files, complaints };
  } finally {
    await browser.close();
  }
}
