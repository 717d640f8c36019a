/** The page in a real browser before real daemons. CHROMIUM names the browser, CODEXD the program, CODEX_SLOW how many times slower pages run. */
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 * Number(process.env['CODEX_SLOW'] ?? 1) },
  reporter: [['list']],
  outputDir: '../../target/browser',
  use: {
    viewport: { width: 1400, height: 900 },
    locale: 'en-GB',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      // The headless shell leaves out what every browser on a desk does: a frame of another origin has a process of its own.
      args: [
        '--site-per-process', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
      ],
    },
  },
});
