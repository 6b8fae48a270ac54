// Takes a picture of every page in both colour schemes, against the mock:
//   npm run mock -- --port 5199 &  npm run look [PAGE]
import { mkdir, readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const base = process.env.BASE ?? 'http://127.0.0.1:5199';
const out = process.env.OUT ?? '/tmp/grainmesh-look';
const only = process.argv[2];

const job = (n) =>
  `1${n.toString(16).padStart(7, '0')}-7c1e-5f3a-9b20-4d1a6e${n.toString(16).padStart(6, '0')}`;
const flow = (n) =>
  `f${n.toString(16).padStart(7, '0')}-7c1e-5f3a-9b20-4d1a6e${n.toString(16).padStart(6, '0')}`;

/** What to look at, and what to do there first. */
const pages = {
  login: ['/login?error=used'],
  jobs: ['/jobs'],
  failed: ['/jobs?state=failed'],
  nothing: ['/jobs?q=zzzz'],
  running: [`/jobs/${job(1)}`],
  broken: [`/jobs/${job(7)}`],
  done: [`/jobs/${job(6)}`],
  new: ['/jobs/new'],
  options: [
    '/jobs/new',
    async (p) => {
      await p.getByLabel('URL of the file').fill('ftp://cdn/film.mp4');
      await p.getByRole('button', { name: 'More' }).click();
    },
  ],
  upload: ['/jobs/new?from=file'],
  library: ['/library'],
  sources: ['/library?show=sources'],
  flow: [`/flows/${flow(16)}?range=[2:0_6:0)`, play],
  frames: [
    `/flows/${flow(16)}?range=[2:0_6:0)`,
    async (p) => {
      await play(p);
      await p.getByRole('slider').hover();
      for (let i = 0; i < 8; i++) await p.mouse.wheel(0, -220);
      await p.waitForTimeout(600);
    },
  ],
  keys: [
    `/flows/${flow(16)}`,
    async (p) => {
      await p.waitForTimeout(500);
      await p.keyboard.press('Shift+?');
    },
  ],
  palette: [
    '/jobs',
    async (p) => {
      await p.keyboard.press('Control+k');
      await p.waitForTimeout(500);
      await p.keyboard.type('news');
    },
  ],
  missing: ['/flows/none'],
  lost: ['/nowhere'],
};

async function play(p) {
  await p.waitForFunction(() => document.querySelector('video')?.readyState >= 3, null, { timeout: 20000 });
  await p.keyboard.press('Space');
  await p.waitForTimeout(1500);
  await p.keyboard.press('Space');
}

/** Says what axe finds that is serious. */
async function complain(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  for (const v of violations.filter((v) => ['serious', 'critical'].includes(v.impact)))
    for (const n of v.nodes.slice(0, 3))
      console.log(
        where,
        v.id,
        n.target.join(' '),
        n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? '',
      );
}

await mkdir(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--autoplay-policy=no-user-gesture-required',
  ],
});
for (const scheme of ['dark', 'light']) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.addInitScript((s) => localStorage.setItem('grainmesh-color-scheme', s), scheme);
  for (const [name, [path, act]] of Object.entries(pages)) {
    if (only && only !== name) continue;
    const page = await context.newPage();
    page.on('console', (m) => m.type() === 'error' && console.log(name, 'console:', m.text()));
    page.on('pageerror', (e) => console.log(name, 'error:', e.message));
    await page.goto(base + path, { waitUntil: 'domcontentloaded' });
    await page.waitForTimeout(1200);
    try {
      await act?.(page);
    } catch (e) {
      console.log(name, 'act:', e.message.split('\n')[0]);
    }
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${out}/${name}-${scheme}.png` });
    await complain(page, `${name} ${scheme}`);
    await page.close();
  }
}
await browser.close();
