// The pages in Chromium: the wizard, the work of a day, and the checks of each page on a desk and on a phone, in English and
// German, light and dark.
//
// Usage: node main.mjs PROGRAM [FOLDER]. Screenshots are written to the folder, if there is one.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { DESK, NARROW, PHONE, check, launch, open } from "./checks.mjs";
import { SETUP_TOKEN, start } from "./server.mjs";

const [program, shots] = process.argv.slice(2);
if (!program) throw new Error("usage: node main.mjs PROGRAM [FOLDER]");

const MAIL = "hollis@nordlicht.example";
const PASSWORD = "the ferry leaves at noon";
const PEOPLE = ["Ari", "Bela", "Chi", "Dana", "Eden", "Fern", "Gale", "Hollis Quist", "Kim Ostrowski-Baumgärtner", "Lane"];

const problems = [];
const server = await start(program);
const browser = await launch();
try {
  if (shots) await mkdir(shots, { recursive: true });
  const visitor = await setUp();
  await work(visitor);
  const state = await visitor.context().storageState();
  await visitor.context().close();
  await walk(state);
} catch (error) {
  problems.push(`${error.stack}`);
} finally {
  await browser.close();
  await server.stop();
}
for (const problem of new Set(problems)) console.error(problem);
console.log(`${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** The wizard, from the link to the first person. */
async function setUp() {
  const page = await open(browser, DESK, { locale: "en-GB" }, problems);
  await page.goto(`${server.address}/setup?token=${encodeURIComponent(SETUP_TOKEN)}`);
  await check(page, "wizard", problems);
  await shoot(page, "setup");
  await fill(page, { organisation: "Nordlicht Works", name: "Hollis Quist", mail: MAIL, password: "short", site: "Main office", time_zone: "Europe/Berlin" });
  await expectRefusal(page, () => page.getByRole("button", { name: "Continue" }).click());
  await check(page, "wizard with a refusal", problems);
  await fill(page, { password: PASSWORD });
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL("**/setup/device");
  await check(page, "wizard, device", problems);
  return page;
}

/** People, a correction and its undoing. */
async function work(page) {
  await page.goto(`${server.address}/people`);
  await check(page, "nobody yet", problems);
  for (const [index, name] of PEOPLE.entries()) {
    await page.goto(`${server.address}/people/new`);
    await fill(page, { name, number: String(1001 + index), joined: "2026-01-01" });
    await page.getByRole("button", { name: "Add person" }).click();
    await page.waitForURL(/done=person-added/);
  }
  await check(page, "person with a message", problems);
}

/** Each page on each screen. */
async function walk(state) {
  const kinds = [
    ["desk", DESK, "light", "en"],
    ["desk", DESK, "dark", "en"],
    ["phone", PHONE, "light", "en"],
    ["phone", PHONE, "dark", "de"],
    ["narrow", NARROW, "light", "de"],
    ["desk", DESK, "light", "de"],
  ];
  for (const [screen, size, theme, language] of kinds) {
    const options = { storageState: state, locale: language === "de" ? "de-DE" : "en-GB", colorScheme: theme };
    const page = await open(browser, size, options, problems);
    const person = await firstPerson(page);
    for (const [name, path] of pages(person)) {
      await page.goto(`${server.address}${path}`);
      await check(page, `${name}, ${screen}, ${theme}, ${language}`, problems, { rules: screen !== "narrow" });
      await shoot(page, `${name}-${screen}-${theme}-${language}`, screen === "desk");
    }
    await page.context().close();
  }
}

function pages(person) {
  const today = new Date().toISOString().slice(0, 10);
  return [
    ["today", "/"],
    ["day", `/days/${today}`],
    ["people", "/people"],
    ["person-new", "/people/new"],
    ["person", person],
    ["audit", "/audit"],
    ["privacy", "/privacy"],
  ];
}

async function firstPerson(page) {
  await page.goto(`${server.address}/people`);
  const link = page.locator(".person-cell a").first();
  return new URL(await link.getAttribute("href"), server.address).pathname;
}

async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) await page.locator(`[name="${name}"]`).first().fill(value);
}

/** Runs an action whose answer is a refusal: the status 422 is expected, and is no problem. */
async function expectRefusal(page, action) {
  const before = problems.length;
  await action();
  await page.waitForLoadState("load");
  const others = problems.splice(before).filter((problem) => !problem.includes("422"));
  problems.push(...others);
  if ((await page.locator("[role=alert]").count()) === 0) problems.push(`${page.url()}: a refusal is not shown`);
}

async function shoot(page, name, fullPage = true) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage });
}
