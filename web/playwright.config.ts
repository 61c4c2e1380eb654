/**
 * The page in a real Chromium. tests/server/test_page_browser.py starts the server and gives its address (WHERESHOT_URL) and
 * the browser (CHROMIUM); by hand: WHERESHOT_URL=http://127.0.0.1:8000/ CHROMIUM=$(which chromium) npm test
 */
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  workers: 1,
  // far longer than anything takes: a busy machine is no fault of the page
  timeout: 600_000,
  expect: { timeout: 180_000 },
  reporter: process.env.CI || process.env.PYTEST_CURRENT_TEST ? "line" : "list",
  use: {
    baseURL: process.env.WHERESHOT_URL ?? "http://127.0.0.1:8000/",
    // software draws each pixel: tests that keep no picture draw few
    viewport: { width: 1000, height: 640 },
    deviceScaleFactor: 0.5,
    contextOptions: { reducedMotion: "reduce" },
    launchOptions: {
      ...(process.env.CHROMIUM ? { executablePath: process.env.CHROMIUM } : {}),
      // WebGL without a graphics card; containers have no user namespaces for the sandbox
      args: ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--no-sandbox"],
    },
  },
});
