/** Words are English; dates and numbers are the browser's. */
import { expect, test } from './world';

test.use({ locale: 'de-DE', timezoneId: 'Europe/Berlin' });

test('dates and numbers are those of the browser, words stay English', async ({ page, daemon }) => {
  await daemon.notebook({ 'lamp.md': '# Lamp\n', 'big.csv': `a\n${'1\n'.repeat(1234)}` });
  await daemon.openEntry(page, 'lab', 'lamp.md');
  await expect(page.getByText('Changed', { exact: false }).first()).toBeVisible();
  await expect(page.locator('.entry-foot time')).toHaveAttribute('title', /^\d\d\.\d\d\.\d{4}, \d\d:\d\d/);
  await page.goto(`${daemon.url}/#/n/lab/e/${await daemon.entry('lab', 'big.csv')}`);
  await expect(page.getByText('1.234 rows').first()).toBeVisible();
});
