/** The static site in a real Chromium: tests/server/test_static_site.py writes one, serves its folder and gives its address. */
import { defineConfig } from "@playwright/test";
import served from "./playwright.config";

export default defineConfig({ ...served, testDir: "local-tests" });
