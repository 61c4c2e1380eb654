/** A page whose requests and complaints are watched: a test ends well only without any that should not be. */
import { test as base, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export { expect };

export const SIGN = fileURLToPath(new URL("../../examples/village-sign.jpg", import.meta.url));
const PICTURES = fileURLToPath(new URL("../screenshots/", import.meta.url));
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export const test = base.extend<{ page: Page }>({
  page: async ({ page, baseURL }, use) => {
    const host = new URL(baseURL!).host;
    const strangers: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
      const address = new URL(request.url());
      if (/^(https?|wss?):$/.test(address.protocol) && address.host !== host) strangers.push(request.url());
    });
    page.on("console", (message) => {
      // the browser also logs the answer 4xx to a broken photo
      const isExpected =
        message.text().startsWith("Failed to load resource") && message.location().url.endsWith("/v1/locate");
      if (message.type() === "error" && !isExpected) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error.stack)));
    await use(page);
    expect(strangers, "requests to other hosts").toEqual([]);
    expect(complaints, "errors on the console").toEqual([]);
  },
});

/** The photo with an EXIF segment that says where a camera was, to the minute of arc; north and east. */
export function recordedAt(latitude: [number, number], longitude: [number, number]): Buffer {
  const photo = readFileSync(SIGN);
  const tiff = Buffer.alloc(8 + 18 + 54 + 48);
  tiff.write("II*\0", 0, "latin1");
  tiff.writeUInt32LE(8, 4);
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    tiff.writeUInt16LE(tag, at);
    tiff.writeUInt16LE(type, at + 2);
    tiff.writeUInt32LE(count, at + 4);
    tiff.writeUInt32LE(value, at + 8);
  };
  tiff.writeUInt16LE(1, 8);
  entry(10, 0x8825, 4, 1, 26); // where the GPS directory is
  tiff.writeUInt16LE(4, 26);
  entry(28, 1, 2, 2, "N".charCodeAt(0));
  entry(40, 2, 5, 3, 80);
  entry(52, 3, 2, 2, "E".charCodeAt(0));
  entry(64, 4, 5, 3, 104);
  [...latitude, 0, ...longitude, 0].forEach((value, number) => {
    tiff.writeUInt32LE(value, 80 + 8 * number);
    tiff.writeUInt32LE(1, 84 + 8 * number);
  });
  const head = Buffer.from([0xff, 0xe1, 0, tiff.length + 8, ...Buffer.from("Exif\0\0", "latin1")]);
  return Buffer.concat([photo.subarray(0, 2), head, tiff, photo.subarray(2)]);
}

/** The page, its globe drawn. Software draws the fine map slowly, so most tests do without it. */
export async function open(page: Page, map: "fine" | "coarse" = "coarse"): Promise<void> {
  if (map === "coarse") await page.route("**/base_map-*.bin", (route) => route.fulfill({ status: 204 }));
  await page.goto("./");
  await expect(page.locator(".globe")).toHaveAttribute("data-map", "ready");
}

/** How to start a browser without WebGL. To draw the globe in software takes most of the time of a test. */
export const WITHOUT_WEBGL = {
  ...(process.env.CHROMIUM ? { executablePath: process.env.CHROMIUM } : {}),
  args: ["--disable-gpu", "--disable-software-rasterizer", "--no-sandbox"],
};

/** The page without its globe, in a browser WITHOUT_WEBGL. */
export async function openWithoutGlobe(page: Page): Promise<void> {
  await page.goto("./");
  await expect(page.getByText("This browser cannot draw the globe")).toBeVisible();
}

/** Give photos to the page as a person who chooses files does. */
export async function choose(page: Page, files: Parameters<Page["setInputFiles"]>[1]): Promise<void> {
  await page.setInputFiles('[data-input="Choose photos"]', files);
}

/** Cells of the 90 % region are on the screen. */
export async function expectRegion(page: Page): Promise<void> {
  await expect(page.locator(".globe")).toHaveAttribute("data-cells", /^[1-9]/);
}

/** axe-core finds nothing serious. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map((node) => node.html.slice(0, 160)),
    }));
  });
  expect(found.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** Kept beside the tests, not committed. */
export async function keep(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${PICTURES}${name}.png` });
}
