/**
 * The static site as a visitor meets it, in a real browser, its files handed out by a plain file server. The photos are
 * those that WHERESHOT_PHOTOS names, one path a line.
 */
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
