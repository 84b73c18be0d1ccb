// The demo in Chromium: its link, people who are recognized on the page Live and are on Today, and each of its pages.

import { join } from "node:path";

import { DESK, NARROW, PHONE, check, launch, open } from "./checks.mjs";
import { startDemo } from "./server.mjs";

const TIMEOUT = 30_000;

/** Runs all steps on a demo of their own. `report` has the problems; `step` runs a part; `shots` is a folder or nothing. */
export async function demo(program, problems, step, shots) {
  const server = await startDemo(program);
  const browser = await launch();
  const test = { browser, problems, shots, link: server.address, origin: new URL(server.address).origin };
  try {
    await step("demo: people are recognized", () => recognized(test));
    await step("demo: without a script", () => plain(test));
    await step("demo: each page", () => walk(test));
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** A visitor who has opened the link. */
async function visitor(test, size, options = {}) {
  const page = await open(test.browser, size, { locale: "en-GB", ...options }, test.problems);
  await page.goto(test.link);
  if (new URL(page.url()).search) test.problems.push("the secret of the link stays in the address");
  return page;
}

/** The picture of a camera in which this person is named. */
function named(page, name) {
  return page.locator(`.cam:not(.off) svg[aria-label*="${name}"]`).first();
}

async function recognized(test) {
  const { problems } = test;
  const start = Date.now();
  const page = await visitor(test, DESK);
  await page.getByRole("heading", { name: "Live", level: 1 }).waitFor({ timeout: TIMEOUT });
  await page.locator('.cam:not(.off) svg.cam-faces rect.known').first().waitFor({ state: "attached", timeout: TIMEOUT });
  console.log(`demo: somebody is recognized ${Date.now() - start} ms after the link was opened`);
  const drawn = await page.locator(".cam:not(.off) .box-text").allInnerTexts();
  if (drawn.length === 0) problems.push("demo: a box without a name");
  // Bela is the first visitor of the tablet. The list follows without another look at the page.
  await page.locator("#events li", { hasText: "Bela" }).filter({ hasText: "came in" }).first().waitFor({ timeout: TIMEOUT });
  await page.locator('#inside a[title="Bela"]').waitFor({ timeout: TIMEOUT });
  await page.locator(".livetag .follows").waitFor({ timeout: TIMEOUT });
  await named(page, "Chi").waitFor({ timeout: TIMEOUT });
  await check(page, "demo, live", problems, { shift: false });
  // Today shows the same, and follows too.
  await page.getByRole("link", { name: "Today", exact: true }).first().click();
  const row = page.locator("#people-list tr", { hasText: "Bela" });
  await row.waitFor({ timeout: TIMEOUT });
  const state = await row.innerText();
  if (!/\bIn\b|late/.test(state)) problems.push(`demo: Today says of Bela: ${state}`);
  await page.locator("#events li", { hasText: "Dana" }).filter({ hasText: "came in" }).first().waitFor({ timeout: TIMEOUT });
  await page.context().close();
}

/** A plain list of the newest events. */
async function plain(test) {
  const page = await visitor(test, DESK, { javaScriptEnabled: false });
  const events = await page.locator("#events li").count();
  if (events < 5) test.problems.push(`demo: ${events} events without a script`);
  const note = await page.locator("noscript p").innerText({ timeout: TIMEOUT });
  if (!note.startsWith("Pictures need JavaScript")) test.problems.push(`demo: without a script it says ${note}`);
  await page.context().close();
}

async function walk(test) {
  const { problems, shots, origin } = test;
  const kinds = [
    ["desk", DESK, "light", "en"],
    ["desk", DESK, "dark", "de"],
    ["phone", PHONE, "light", "en"],
    ["phone", PHONE, "dark", "de"],
    ["narrow", NARROW, "light", "de"],
  ];
  for (const [screen, size, theme, language] of kinds) {
    const page = await visitor(test, size, { locale: language === "de" ? "de-DE" : "en-GB", colorScheme: theme });
    const name = `${screen}-${theme}-${language}`;
    await page.locator('.cam:not(.off) svg.cam-faces rect.known').first().waitFor({ state: "attached", timeout: TIMEOUT });
    await check(page, `demo, live, ${name}`, problems, { shift: false, rules: screen !== "narrow" });
    if (shots) await page.screenshot({ path: join(shots, `demo-live-${name}.png`), fullPage: screen === "desk" });
    const person = await page.locator("#inside a").first().getAttribute("href");
    const pages = [["today", "/"], ["person", person], ["people", "/people"], ["review", "/review"], ["devices", "/devices"], ["home", "/me"]];
    for (const [path, address] of pages) {
      await page.goto(`${origin}${address}`);
      await check(page, `demo, ${path}, ${name}`, problems, { shift: false, rules: false });
      if (shots) await page.screenshot({ path: join(shots, `demo-${path}-${name}.png`), fullPage: screen === "desk" });
    }
    await page.context().close();
  }
  for (const columns of [1, 4]) {
    const page = await visitor(test, DESK);
    await page.goto(`${origin}/live?columns=${columns}`);
    await page.locator('.cam:not(.off) svg.cam-faces rect.known').first().waitFor({ state: "attached", timeout: TIMEOUT });
    await check(page, `demo, live, ${columns} columns`, problems, { shift: false });
    const current = await page.locator(".sizes [aria-current]").innerText();
    if (current !== String(columns)) problems.push(`demo: ${columns} columns, and ${current} is chosen`);
    if (shots) await page.screenshot({ path: join(shots, `demo-live-columns-${columns}.png`), fullPage: true });
    await page.context().close();
  }
}
