/** What keeps somebody out of a page, as axe sees it. */
import type { Frame, Page } from '@playwright/test';
import axe from 'axe-core';

interface Look {
  /** Only these rules. */
  rules?: string[];
  /** Milder ones count as well as serious and critical ones. */
  all?: boolean;
}

/** What a page is asked for, and a frame in it is not. */
const OF_PAGES = ['bypass', 'document-title', 'html-has-lang', 'landmark-one-main', 'page-has-heading-one', 'region'];

/** One line for each rule that is broken, with the first elements that break it; each frame is looked at by itself. */
export async function barriers(page: Page, look: Look = {}): Promise<string[]> {
  const found = await Promise.all(page.frames().map((frame) => lookIn(frame, frame !== page.mainFrame(), look)));
  return found.flat();
}

async function lookIn(frame: Frame, inside: boolean, { rules, all = rules !== undefined }: Look): Promise<string[]> {
  const options: axe.RunOptions = {
    iframes: false,
    resultTypes: ['violations'],
    ...(rules ? { runOnly: rules } : {}),
    ...(inside ? { rules: Object.fromEntries(OF_PAGES.map((rule) => [rule, { enabled: false }])) } : {}),
  };
  if (!(await frame.evaluate(() => 'axe' in window))) await frame.evaluate(axe.source);
  const { violations } = await frame.evaluate((how) => (window as unknown as { axe: typeof axe }).axe.run(document, how), options);
  return violations
    .filter(({ impact }) => all || impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 5).join(' ')}`);
}
