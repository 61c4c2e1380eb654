/** The static site in a browser without WebGL: what goes wrong, and the answers to the photos of WHERESHOT_PHOTOS. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Locator } from "../src/locator";
import { choose, expect, openWithoutGlobe, test, WITHOUT_WEBGL } from "../tests/watched";

const PHOTOS = (process.env.WHERESHOT_PHOTOS ?? "").split("\n").filter(Boolean);

test.use({ launchOptions: WITHOUT_WEBGL });

test("where a file of the model is missing, the page says so", async ({ page }) => {
  await page.route("**/tables.bin", (route) => route.fulfill({ status: 204 }));
  await openWithoutGlobe(page);
  await expect(page.getByRole("alert")).toContainText("The model cannot be loaded");
  await choose(page, PHOTOS[0]!);
  await expect(page.getByRole("alert").first()).toContainText("the site is incomplete");
});

test("the answers to all photos", async ({ page }) => {
  await openWithoutGlobe(page);
  const files = PHOTOS.map((file) => ({ name: path.basename(file), data: readFileSync(file).toString("base64") }));
  const answer = await page.evaluate(async (given) => {
    const scripts = performance.getEntriesByType("resource").filter(({ name }) => /\/index-[^/]*\.js$/.test(name));
    const modules = await Promise.all(scripts.map(({ name }) => import(name) as Promise<{ createLocator?(): Promise<Locator> }>));
    const locator = await modules.find(({ createLocator }) => createLocator)!.createLocator!();
    const bytes = (data: string) => Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const started = performance.now();
    const found = await locator.locate(given.map(({ name, data }) => new File([bytes(data)], name)));
    return { ...found, seconds: (performance.now() - started) / 1000 };
  }, files);
  writeFileSync(process.env.WHERESHOT_ANSWERS!, JSON.stringify(answer));
  expect(answer.predictions.map(({ error }) => error)).toEqual(PHOTOS.map(() => null));
});
