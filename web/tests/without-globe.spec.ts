/** The served page in a browser without WebGL, which shows the answers in words. What needs no globe is tested here. */
import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { choose, expect, expectAccessible, openWithoutGlobe, SIGN, test, WITHOUT_WEBGL } from "./watched";

test.use({ launchOptions: WITHOUT_WEBGL });

test("nothing serious stands in the way of a screen reader", async ({ page }) => {
  await openWithoutGlobe(page);
  await choose(page, SIGN);
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "About" }).click();
  await expect(page.getByRole("dialog")).toContainText("Natural Earth");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("several photos have one pooled answer, and what is no photo is explained", async ({ page }) => {
  await openWithoutGlobe(page);
  const broken = { name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no photo at all") };
  await choose(page, broken);
  await expect(page.getByRole("alert")).toContainText("not a picture in a known format");
  await page.getByRole("button", { name: "Start again" }).click();
  await choose(page, [SIGN, SIGN]);
  await expect(page.getByRole("button", { name: /All together/ })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
  await choose(page, { name: "list.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await expect(page.getByRole("alert")).toContainText("list.txt is not a picture");
  await page
    .getByRole("button", { name: /^Remove village-sign/ })
    .first()
    .click();
  await expect(page.getByRole("button", { name: /All together/ })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
});

test("words of other scripts have their own direction and language", async ({ page }) => {
  const photos = { name: "sign.jpg", mimeType: "image/jpeg", buffer: readFileSync(SIGN) };
  const answer = await (await page.request.post("v1/locate", { multipart: { photos } })).json();
  const box = [60, 60, 300, 100];
  answer.predictions[0].writing = [
    { script: "Arabic", text: "شارع الملك فهد 12", confidence: 0.9, box },
    { script: "Thai", text: "ร้านอาหาร", confidence: 0.9, box },
  ];
  answer.predictions[0].evidence = [{ kind: "text/place", what: "גבעתיים 5", means: "the town", nats: 3, box }];
  await page.route("**/v1/locate", (route) => route.fulfill({ json: answer }));
  await openWithoutGlobe(page);
  await choose(page, SIGN);
  await expect(page.getByText("Writing in Arabic: “شارع الملك فهد 12”.")).toBeVisible();
  await expect(page.locator('bdi[lang="und-Arab"]')).toHaveText("شارع الملك فهد 12");
  await expect(page.locator('bdi[lang="th"]')).toHaveText("ร้านอาหาร");
  await expect(page.locator('.evidence bdi[lang="he"]')).toHaveText("גבעתיים 5");
});

test("each of several photos has its answer as soon as it is there", async ({ page }) => {
  await openWithoutGlobe(page);
  const release = await holdAfterFirstLine(page);
  await choose(page, [SIGN, SIGN, SIGN]);
  const tiles = page.locator(".tile");
  await tiles.first().click(); // which waits until there is an answer to look at
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
  await expect(page.locator(".waiting")).toBeVisible();
  await expect(tiles.nth(1)).toBeDisabled();
  await release();
  await expect(tiles.nth(2)).toBeEnabled();
  await expect(page.locator(".waiting")).toHaveCount(0);
  await expect(page.getByRole("button", { name: /All together/ })).toHaveAttribute("aria-pressed", "false");
  await expect(tiles.first()).toHaveAttribute("aria-pressed", "true");
});

test("when the server stops in the middle of an answer, the photos that were answered are shown", async ({ page }) => {
  const photos = { name: "sign.jpg", mimeType: "image/jpeg", buffer: readFileSync(SIGN) };
  const answer = await (await page.request.post("v1/locate", { multipart: { photos } })).json();
  // the second of three photos, and then nothing more
  const line = JSON.stringify({ index: 1, of: 3, prediction: answer.predictions[0] });
  await page.route("**/v1/locate", (route) =>
    route.fulfill({ status: 200, contentType: "application/x-ndjson", body: `${line}\n` }),
  );
  await openWithoutGlobe(page);
  await choose(page, [SIGN, SIGN, SIGN]);
  await expect(page.getByRole("alert")).toContainText("The server's answer is incomplete");
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
  const tiles = page.locator(".tile");
  await expect(tiles.nth(1)).toHaveAttribute("aria-pressed", "true");
  await expect(tiles.nth(0)).toBeDisabled();
});

test("photos of different places are shown one by one, and a broken one with its reason", async ({ page }) => {
  const photos = { name: "sign.jpg", mimeType: "image/jpeg", buffer: readFileSync(SIGN) };
  const answer = await (await page.request.post("v1/locate", { multipart: { photos } })).json();
  const [prediction] = answer.predictions;
  const failed = { ...prediction, id: "broken.jpg", latitude: null, longitude: null, error: "broken.jpg: the file is empty" };
  const lines = [failed, prediction, prediction].map((one, index) => ({ index, of: 3, prediction: one }));
  const album = { ...prediction, id: "album", evidence: [], photos: 2, agreement_nats: -4 };
  const body = [...lines, { model: "compact", album }].map((line) => `${JSON.stringify(line)}\n`).join("");
  await page.route("**/v1/locate", (route) => route.fulfill({ contentType: "application/x-ndjson", body }));
  await openWithoutGlobe(page);
  await expect(page.getByText("This model reads text in a photo, such as signs. It knows no sights.")).toBeVisible();
  const broken = { name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no photo at all") };
  await choose(page, [broken, photos, photos]);
  const tiles = page.locator(".tile");
  await expect(tiles.nth(1)).toHaveAttribute("aria-pressed", "true"); // the first with an answer
  await expect(page.getByText("The photos seem to show different places.")).toBeVisible();
  await expect(page.getByText("1 of 3 photos has no answer; its reason is below it.")).toBeVisible();
  await expect(tiles.first()).toContainText("The file is empty");
  await tiles.first().click();
  await expect(page.getByRole("alert")).toContainText("the file is empty");
  await expect(page.getByText("the answer holds all the same")).toHaveCount(0);
  await page.getByRole("button", { name: /All together/ }).click();
  await expect(page.getByText("no text in the picture helped")).toHaveCount(0); // its evidence is that of the photos
  await page.getByText("Options").click();
  await expect(page.getByText("does not use these options yet")).toHaveCount(0);
  await page.getByLabel("Read text in the picture").uncheck();
  await expect(page.getByText("The answer above does not use these options yet.")).toBeVisible();
  await page.getByRole("button", { name: "Ask again" }).click();
  await expect(page.getByText("does not use these options yet")).toHaveCount(0);
});

/** Let the page have the first line of an answer alone, and the others when what is returned is called. */
async function holdAfterFirstLine(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => {
    const ask = window.fetch;
    let release: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    Object.assign(window, { release: () => release() });
    window.fetch = async (input, request) => {
      const response = await ask(input, request);
      if (!String(input).endsWith("v1/locate")) return response;
      let isFirst = true;
      const held = new TransformStream<Uint8Array, Uint8Array>({
        async transform(bytes, passed) {
          const end = isFirst ? bytes.indexOf(10) + 1 || bytes.length : 0;
          passed.enqueue(bytes.slice(0, end));
          if (isFirst && bytes[end - 1] !== 10) return;
          isFirst = false;
          await released;
          passed.enqueue(bytes.slice(end));
        },
      });
      return new Response(response.body!.pipeThrough(held), response);
    };
  });
  return () => page.evaluate(() => (window as unknown as { release(): void }).release());
}
