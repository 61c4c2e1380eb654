/**
 * The static site as a visitor meets it, in a real browser, its files handed out by a plain file server. The photos are
 * those that WHERESHOT_PHOTOS names, one path a line; what is answered to them is left in WHERESHOT_ANSWERS.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Locator } from "../src/locator";
import { choose, expect, expectAccessible, expectRegion, keep, open, test } from "../tests/watched";

const PHOTOS = (process.env.WHERESHOT_PHOTOS ?? "").split("\n").filter(Boolean);

test("a photo is answered on this machine, and nothing is sent", async ({ page }) => {
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.method() !== "GET" || request.postData()) sent.push(`${request.method()} ${request.url()}`);
  });
  await open(page);
  await choose(page, PHOTOS[0]!);
  await expect(page.locator(".mark").first()).toBeAttached();
  await expect(page.getByRole("listitem").filter({ hasText: "Continent" })).toContainText("%");
  await expectRegion(page);
  await expect(page.locator(".model-loading")).toHaveCount(0);
  await keep(page, "site-1440");
  await page.getByRole("button", { name: "About" }).click();
  await expect(page.getByRole("dialog")).toContainText("Text in pictures is not read here");
  await expectAccessible(page);
  expect(sent).toEqual([]);
});

test("on a phone several photos are answered together, and what is no picture is explained", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page);
  await choose(page, PHOTOS.slice(0, 2));
  await expect(page.getByRole("button", { name: /All together/ })).toHaveAttribute("aria-pressed", "true");
  await expectRegion(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  await keep(page, "site-390");
  await page.getByRole("button", { name: "Start again" }).click();
  await choose(page, { name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no photo at all") });
  await expect(page.getByRole("alert")).toContainText("broken.jpg: not a picture that this browser can read");
});

test("where a file of the model is missing, the page says so", async ({ page }) => {
  await page.route("**/tables.bin", (route) => route.fulfill({ status: 204 }));
  await open(page);
  await expect(page.getByRole("alert")).toContainText("The model cannot be loaded");
  await choose(page, PHOTOS[0]!);
  await expect(page.getByRole("alert").first()).toContainText("the site is not whole");
});

test("the answers to all photos", async ({ page }) => {
  await open(page);
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
