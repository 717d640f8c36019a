/**
 * Nothing that a text says runs. Every payload of `payloads.json` is shown in the live preview and on the reading side
 * at once, without the policy that the daemon sends: it would stop most of them by itself, and is to have nothing to do.
 */
import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Daemon, expect, test as base } from './world';

const payloads = JSON.parse(readFileSync(join(import.meta.dirname, 'payloads.json'), 'utf8')) as Record<string, string[]>;
const { names = [], ...texts } = payloads;

interface Watch {
  /** What ran, was asked for elsewhere, or led away; empty is well. */
  found: string[];
}

const test = base.extend<{ watch: Watch }>({
  watch: async ({ page, daemon }, use) => {
    const found: string[] = [];
    await page.exposeBinding('pwned', () => void found.push('a script ran'));
    await page.addInitScript(() => {
      const told = () => (globalThis as unknown as { pwned(): void }).pwned();
      for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) Object.defineProperty(globalThis, name, { value: told });
    });
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => found.push('a dialog')));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${daemon.url}/`) && !/^(data|blob):/.test(url)) found.push(`asked for ${url}`);
    });
    page.on('framenavigated', (frame) => {
      // Where diagrams are drawn, which reaches nothing either.
      if (frame !== page.mainFrame() && frame.url() === `${daemon.url}/diagram.html`) return;
      if (frame !== page.mainFrame() || !(frame.url().startsWith(`${daemon.url}/`) || frame.url() === 'about:blank')) found.push(`led to ${frame.url()}`);
    });
    page.on('popup', (popup) => found.push(`opened ${popup.url()}`));
    await use({ found });
  },
});

/** What stands in the page that could run or lead away, and clicks on all that can be clicked. */
const harmful = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const bad: string[] = [];
    for (const root of Array.from(document.querySelectorAll('.cm-content, .prose, aside, .properties, .crumbs'))) {
      for (const element of Array.from(root.querySelectorAll('*'))) {
        const tag = element.tagName.toLowerCase();
        if (/^(script|iframe|object|embed|link|meta|base|style|form|foreignobject)$/.test(tag)) bad.push(`<${tag}>`);
        for (const { name, value } of Array.from(element.attributes)) {
          if (/^on/i.test(name)) bad.push(`${tag} ${name}`);
          if (!/^(href|src|action|formaction|xlink:href|poster|data|srcset)$/i.test(name)) continue;
          const { protocol, origin } = new URL(value, location.href);
          const image = tag === 'img' && value.startsWith('data:image/');
          const away = tag === 'a' && /^(https?|mailto):$/.test(protocol) && element.getAttribute('rel') === 'noopener noreferrer';
          if (origin !== location.origin && !image && !away) bad.push(`${tag} ${name}=${value}`);
        }
      }
    }
    if (({} as { polluted?: string }).polluted !== undefined) bad.push('a prototype was changed');
    for (const each of Array.from(document.querySelectorAll<Partial<HTMLElement> & Element>('.prose :is(a:not([href^="http"]), summary, button)'))) {
      each.addEventListener('click', (event) => event.preventDefault());
      each.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
      each.click?.();
    }
    return bad;
  });

/** Shows one note in both ways and answers what is wrong with that. */
async function show(page: Page, daemon: Daemon, id: string, sign: string, watch: Watch): Promise<string[]> {
  await page.evaluate((place) => (location.hash = place), `#/n/lab/e/${id}`);
  await expect(page.locator('.prose')).toContainText(sign);
  await expect(page.locator('.cm-content')).toContainText(sign);
  // Diagrams are drawn, or cannot be; formulas are there.
  await page.waitForFunction(() => {
    const drawn = Array.from(document.querySelectorAll('.diagram')).every((each) => each.querySelector(':scope > code') === null || each.querySelector('.why') !== null);
    const formulas = Array.from(document.querySelectorAll('.math')).every((each) => each.querySelector('.katex, .katex-error') !== null || each.children.length === 0 && each.textContent !== '' && (each as HTMLElement).title !== '');
    return drawn && formulas;
  });
  await page.waitForLoadState('networkidle');
  const bad = [...(await harmful(page)), ...watch.found.splice(0)];
  if (!page.url().startsWith(`${daemon.url}/`)) bad.push(`led to ${page.url()}`);
  return bad;
}

test('there are enough payloads', () => {
  expect(Object.values(payloads).flat().length).toBeGreaterThan(200);
});

test.use({ bypassCSP: true });

for (const [sort, all] of Object.entries(texts)) {
  test(`${sort} run nothing`, async ({ page, daemon, watch }) => {
    test.setTimeout(240_000);
    const files: Record<string, string> = {
      'evil.svg': '<svg xmlns="http://www.w3.org/2000/svg" onload="parent.pwned()"><script>parent.pwned()</script></svg>',
      'evil.html': '<script>parent.pwned()</script>',
      'evil html.md': '<img src=x onerror=pwned()>\n\n<script>pwned()</script>\n',
    };
    const sign = (n: number) => `note ${n} of these`;
    all.forEach((text, n) => {
      // What comes first in its file must; all else stands below a line that tells when it is shown.
      files[`n${n}.md`] = text.startsWith('---\n') ? `${text}\n\n${sign(n)}\n` : `${sign(n)}\n\n${text}\n`;
    });
    await daemon.notebook(files);
    await page.addInitScript(() => localStorage.setItem('codex.mode', 'both'));
    await daemon.open(page, '#/n/lab');
    const wrong: Record<string, string[]> = {};
    for (const [n, text] of all.entries()) {
      const bad = await show(page, daemon, await daemon.entry('lab', `n${n}.md`), sign(n), watch);
      if (bad.length > 0) wrong[text] = bad;
    }
    expect(wrong).toEqual({});
  });
}

test('names of files run nothing', async ({ page, daemon, watch }) => {
  test.setTimeout(120_000);
  const list = names.map((name) => `- ![[${name}]] [[${name.replace(/\.md$/, '')}|x]] [x](<${name}>)`).join('\n');
  const files = Object.fromEntries(names.map((name, n) => [name, `note ${n} of these\n\n${list}\n`]));
  await daemon.notebook(files);
  await page.addInitScript(() => localStorage.setItem('codex.mode', 'both'));
  await daemon.open(page, '#/n/lab');
  const wrong: Record<string, string[]> = {};
  for (const [n, name] of names.entries()) {
    if (!name.endsWith('.md')) continue;
    const bad = await show(page, daemon, await daemon.entry('lab', name), `note ${n} of these`, watch);
    if (bad.length > 0) wrong[name] = bad;
  }
  expect(wrong).toEqual({});
});
