/** The served page as a visitor meets it, in a real browser with a real server behind it. */
import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { MAP_COLORS } from "../src/map/colors";
import { choose, expect, expectAccessible, expectRegion, keep, open, recordedAt, SIGN, test } from "./watched";

const DESK = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, colorScheme: "dark" as const };

test.describe("on a desk", () => {
  test.use(DESK);
  test("a dropped photo has its place and its region", async ({ page }) => {
    await open(page, "fine");
    const names = page.locator(".globe[data-names]");
    await expect(names).toHaveAttribute("data-names", /Algeria/);
    await expect(names).not.toHaveAttribute("data-names", /Australia|New Zealand|Fiji/); // they are on the far side
    await keep(page, "start-1440");
    const bytes = [...readFileSync(SIGN)];
    const dropped = await page.evaluateHandle((data) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(data)], "sign.jpg", { type: "image/jpeg" }));
      return transfer;
    }, bytes);
    await page.dispatchEvent("body", "dragenter", { dataTransfer: dropped });
    await expect(page.getByText("Drop to find out where")).toBeVisible();
    await page.dispatchEvent("body", "drop", { dataTransfer: dropped });
    await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
    await expect(page.getByRole("button", { name: /Altafulla, Catalonia, Spain/ })).toBeVisible();
    await expect(page.locator(".mark-answer")).toHaveCount(1);
    await expect(page.locator(".box").first()).toBeVisible();
    await expectRegion(page);
    await expect(names).toHaveAttribute("data-names", /Tarragona/);
    await keep(page, "answer-1440");
  });
});

test.describe("on a phone", () => {
  test.use(PHONE);

  test("on a phone, in the dark, it can be used and read", async ({ page }) => {
    await open(page);
    await keep(page, "start-390-dark");
    await choose(page, SIGN);
    await expect(page.getByRole("heading", { name: "Altafulla" })).toBeInViewport();
    await expectRegion(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await keep(page, "answer-390-dark");
    await expectAccessible(page);
  });
});

test("the land is drawn before the camera arrives", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "no-preference" });
  const photos = { name: "sign.jpg", mimeType: "image/jpeg", buffer: readFileSync(SIGN) };
  const answer = await (await page.request.post("v1/locate", { multipart: { photos } })).json();
  const prediction = answer.predictions[0];
  // on the far side of the globe, far from water; without cells, land has its own colour
  const inland = { latitude: -23.698, longitude: 133.881 };
  Object.assign(prediction, inland, { map: null, evidence: [] });
  prediction.candidates = [{ ...prediction.candidates[0], ...inland, probability: 0.9 }];
  await page.route("**/v1/locate", (route) => route.fulfill({ json: answer }));
  await keepDrawnFrames(page);
  await open(page, "fine");
  const watched = watchFlight(page);
  await choose(page, SIGN);
  // a busy machine draws few frames of the flight, but in each there is land around the answer
  for (const { land } of await watched) expect(land, "the share of land around the answer").toBeGreaterThan(0.9);
  await expect(page.locator(".globe")).toHaveAttribute("data-names", /Alice Springs/);
});

test("the keyboard alone is enough", async ({ page }) => {
  await open(page);
  const chooser = page.waitForEvent("filechooser");
  await tabTo(page, "Choose photos");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(SIGN);
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
  await expect(page.locator('[aria-live="polite"]').filter({ hasText: "Altafulla" })).toHaveCount(1);
  await tabTo(page, /^Barcelona|^2Barcelona/);
  await expect(page.locator(".mark-on")).toContainText("Barcelona");
  await page.keyboard.press("Shift+Tab");
  await expect(page.locator(".mark-on")).toContainText("Altafulla");
  await tabTo(page, /^Read/);
  await expect(page.locator(".box-on")).toHaveCount(1);
});

test("what is not sure does not look sure", async ({ page }) => {
  await open(page);
  const plain = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [480, 360];
    const paint = canvas.getContext("2d")!;
    const sky = paint.createLinearGradient(0, 0, 0, 360);
    [
      ["0", "#24385c"],
      ["0.6", "#e8875a"],
      ["0.62", "#1b2430"],
      ["1", "#3a3f4a"],
    ].forEach(([at, color]) => sky.addColorStop(Number(at), color!));
    paint.fillStyle = sky;
    paint.fillRect(0, 0, 480, 360);
    return canvas.toDataURL("image/png").split(",")[1]!;
  });
  await choose(page, { name: "dusk.png", mimeType: "image/png", buffer: Buffer.from(plain, "base64") });
  await expect(page.getByRole("heading", { name: "Not sure" })).toBeVisible();
  await expect(page.getByText("This model reads text and knows no sights")).toBeVisible();
  await expect(page.locator(".mark-faint").first()).toBeAttached();
  await expect(page.locator(".mark-answer")).toHaveCount(0);
  await expectRegion(page);
});

test("what the camera recorded is a mark of its own, with its distance, and can be left out", async ({ page }) => {
  await open(page);
  const buffer = recordedAt([41, 24], [2, 11]); // Barcelona
  await choose(page, { name: "holiday.jpg", mimeType: "image/jpeg", buffer });
  await expect(page.getByRole("heading", { name: "Altafulla" })).toBeVisible();
  await expect(page.getByText(/41\.40000, 2\.18333.*, 74.km from this answer, and not used for it/)).toBeVisible();
  await expect(page.locator(".mark-recorded")).toHaveCount(1);
  await page.getByText("Options").click();
  await page.getByLabel(/Show the position that the camera recorded/).uncheck();
  await expect(page.locator(".mark-recorded")).toHaveCount(0);
});

test("the gallery shows the truth, and the game compares", async ({ page }) => {
  await open(page);
  await page.getByRole("button", { name: "Gallery" }).click();
  await expect(page.getByRole("table")).toContainText("25 km");
  await page.getByRole("button", { name: "A random photo" }).click();
  await expect(page.getByRole("heading", { name: /off$/ })).toBeVisible();
  await expect(page.locator(".mark-truth")).toHaveCount(1);
  await expectRegion(page);
  await page.getByRole("button", { name: "Guess" }).click();
  await page.getByRole("button", { name: "A random photo" }).click();
  await expect(page.locator(".mark-truth")).toHaveCount(0);
  await page.locator(".maplibregl-canvas").click({ position: { x: 500, y: 400 } });
  await page.getByRole("button", { name: "This is my guess" }).click();
  await expect(page.getByRole("heading", { name: "The model was nearer." })).toBeVisible();
  await expect(page.locator(".mark-truth")).toHaveCount(1);
  await keep(page, "game");
});

test("a server that asks for a token is given one", async ({ page }) => {
  // the server of these tests asks for no token: its description is changed on the way, and the requests are watched
  await page.route("**/v1/page", async (route) => {
    const info = (await (await route.fetch()).json()) as object;
    await route.fulfill({ json: { ...info, needs_token: true } });
  });
  await page.goto("./");
  await page.getByLabel(/^Token/).fill("a-secret");
  await page.keyboard.press("Enter");
  const asked = page.waitForRequest("**/v1/locate");
  await choose(page, SIGN);
  expect((await asked).headers().authorization).toBe("Bearer a-secret");
});

/** Press Tab until what is called so has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let pressed = 0; pressed < 40; pressed++) {
    await page.keyboard.press("Tab");
    const text = await page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
    if (typeof name === "string" ? text === name : name.test(text)) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}

interface Frame {
  /** Where the mark of the answer is on the screen. */
  at: string;
  /** How much of a ring around it is not water, from 0 to 1. */
  land: number;
}

/** Let scripts read what WebGL has drawn. Call this before the page is opened. */
async function keepDrawnFrames(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const context = HTMLCanvasElement.prototype.getContext as (...given: unknown[]) => unknown;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, settings?: object) {
      return context.call(this, kind, kind.startsWith("webgl") ? { ...settings, preserveDrawingBuffer: true } : settings);
    } as typeof HTMLCanvasElement.prototype.getContext;
  });
}

/** Return the frames from the first with an answer until the camera has stood for 30 frames. */
function watchFlight(page: Page): Promise<Frame[]> {
  const water = Object.values(MAP_COLORS).map(({ water }) => water);
  return page.evaluate(async (colors) => {
    const waters = colors.map((color) => [1, 3, 5].map((from) => parseInt(color.slice(from, from + 2), 16)));
    const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
    const frames: { at: string; land: number }[] = [];
    for (let still = 0; still < 30; ) {
      await new Promise(requestAnimationFrame);
      const map = document.querySelector<HTMLCanvasElement>(".maplibregl-canvas")!;
      const mark = document.querySelector(".mark-answer")?.getBoundingClientRect();
      if (!mark) continue;
      const box = map.getBoundingClientRect();
      const isLand = (turn: number): boolean => {
        const x = mark.x + mark.width / 2 - box.x + 12 * Math.cos(turn);
        const y = mark.bottom - box.y + 12 * Math.sin(turn);
        copy.clearRect(0, 0, 1, 1);
        copy.drawImage(map, (x * map.width) / box.width, (y * map.height) / box.height, 1, 1, 0, 0, 1, 1);
        const pixel = copy.getImageData(0, 0, 1, 1).data;
        return pixel[3] === 255 && waters.every((part) => part.some((value, at) => Math.abs(value - pixel[at]!) > 6));
      };
      const turns = Array.from({ length: 12 }, (_, part) => (part * Math.PI) / 6);
      const frame = { at: `${mark.x} ${mark.y}`, land: turns.filter(isLand).length / turns.length };
      still = frames.at(-1)?.at === frame.at ? still + 1 : 0;
      frames.push(frame);
    }
    return frames;
  }, water);
}
