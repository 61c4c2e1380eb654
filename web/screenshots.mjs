/**
 * Takes the pictures of scripts/take_screenshots.py: every situation at 1440 x 900 and 390 x 844, light and dark.
 *
 * WHERESHOT_SCREENS is a JSON document: {url, out, chromium, only, photos, broken, pages: {name: file}, site}.
 */
import { chromium } from "@playwright/test";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const given = JSON.parse(readFileSync(process.env.WHERESHOT_SCREENS, "utf8"));
const FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--no-sandbox"];
const NO_WEBGL = ["--disable-gpu", "--disable-software-rasterizer", "--no-sandbox"];
const SCREENS = {
  1440: { viewport: { width: 1440, height: 900 } },
  390: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
const PRINTED = ["html-overview", "html-photo", "report"];
const PATIENCE = 180_000;

const choose = (page, files) => page.setInputFiles('[data-input="Choose photos"]', files);
const answered = (page) => page.locator(".answer, .answers").first().waitFor();
const finished = async (page) => {
  await page.locator(".photo, .photo-unseen, .photo-list").first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".waiting"));
};
const button = (page, name) => page.getByRole("button", { name });

async function served(page, hasMap = true) {
  await page.goto(given.url);
  if (hasMap) await page.locator('.globe[data-map="ready"]').waitFor();
}
async function ask(page, files, hasMap = true) {
  await served(page, hasMap);
  await choose(page, files);
  await finished(page);
}
const file = (name, then = async () => {}) => async (page) => {
  await page.goto(pathToFileURL(given.pages[name]).href);
  await then(page);
};

/** The situations: what a visitor does until the picture is taken. */
const SITUATIONS = {
  start: (page) => served(page),
  sure: async (page) => {
    await ask(page, given.sure);
    await answered(page);
  },
  "sure-below": async (page) => {
    await ask(page, given.sure);
    await answered(page);
    await page.locator("#evidence-title").scrollIntoViewIfNeeded();
  },
  unsure: async (page) => {
    await ask(page, given.unsure);
    await answered(page);
  },
  "ten-photos": (page) => ask(page, [...given.photos.slice(0, 8), ...given.broken.slice(0, 2)]),
  "album-photo": async (page) => {
    await ask(page, given.photos.slice(0, 3));
    await page.locator(".tile").nth(1).click();
  },
  broken: (page) => ask(page, given.broken[0]),
  recorded: async (page) => {
    await ask(page, given.recorded);
    await page.locator("#recorded-title").scrollIntoViewIfNeeded();
  },
  options: async (page) => {
    await served(page);
    await page.getByText("Options", { exact: true }).click();
    await page.locator(".options").scrollIntoViewIfNeeded();
  },
  about: async (page) => {
    await served(page);
    await button(page, "About").click();
  },
  gallery: async (page) => {
    await served(page);
    await button(page, "Gallery").click();
    await button(page, "A random photo").click();
    await page.getByRole("heading", { name: /off$/ }).waitFor();
  },
  "guess-before": async (page) => {
    await served(page);
    await button(page, "Guess").click();
    await button(page, "A random photo").click();
    await button(page, "Pin in the middle of the map").waitFor();
  },
  guess: async (page) => {
    await served(page);
    await button(page, "Guess").click();
    await button(page, "A random photo").click();
    await button(page, "Pin in the middle of the map").click();
    await button(page, "This is my guess").click();
    await page.locator(".scores").waitFor();
  },
  "without-webgl": async (page) => {
    await ask(page, given.sure, false);
    await answered(page);
  },
  "html-overview": file("answers"),
  "html-photo": file("answers", (page) => page.locator(".tile.sure, .tile.unsure").first().click()),
  "html-recorded": file("answers", (page) => page.locator(".tile:has(.apart)").last().click()),
  "html-failed": file("answers", async (page) => {
    await page.getByRole("button", { name: /^Failed/ }).click();
    await page.locator(".tile.failed").last().click();
  }),
  lookalikes: file("lookalikes"),
  report: file("report"),
  "report-calibration": file("report", (page) => page.locator("figure[id^=reliability]").first().scrollIntoViewIfNeeded()),
};

async function take(browser, name, width) {
  const screen = SCREENS[width];
  const context = await browser.newContext({ ...screen, deviceScaleFactor: 1, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  try {
    await SITUATIONS[name](page);
    await page.waitForTimeout(given.settle_ms);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(isFile(name) ? 500 : given.settle_ms);
      await page.screenshot({ path: `${given.out}/${name}-${width}-${colorScheme}.png` });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > screen.viewport.width) complaints.push(`the page is ${wide} pixels wide`);
  } catch (error) {
    complaints.push(String(error).split("\n")[0]);
    await page.screenshot({ path: `${given.out}/${name}-${width}-failed.png` }).catch(() => {});
  }
  await context.close();
  console.log(`${name} ${width}: ${complaints.length ? complaints.join("; ") : "taken"}`);
  return complaints.length === 0;
}

/** The print view of a page, as PDF. */
async function print(browser, name) {
  const page = await browser.newPage();
  await SITUATIONS[name](page);
  await page.waitForTimeout(500);
  await page.pdf({ path: `${given.out}/${name}-print.pdf`, format: "A4", printBackground: false });
  await page.close();
  console.log(`${name}: printed`);
}

const names = Object.keys(SITUATIONS).filter((name) => !given.only.length || given.only.some((part) => name.includes(part)));
// pages in one file draw without a graphics card; software WebGL would make them slow
const isFile = (name) => name.startsWith("html-") || name.startsWith("report") || name === "lookalikes";
let fine = true;
for (const withWebgl of [false, true]) {
  const these = names.filter((name) => (isFile(name) || name === "without-webgl") !== withWebgl);
  if (!these.length) continue;
  const browser = await chromium.launch({ executablePath: given.chromium, args: withWebgl ? FLAGS : NO_WEBGL });
  for (const name of these) for (const width of Object.keys(SCREENS)) fine = (await take(browser, name, width)) && fine;
  for (const name of these.filter((one) => PRINTED.includes(one))) await print(browser, name);
  await browser.close();
}
process.exit(fine ? 0 : 1);
