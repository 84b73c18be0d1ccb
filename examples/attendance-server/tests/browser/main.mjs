// The pages in Chromium: the wizard, the work of a day, and the checks of each page on a desk and on a phone, in English and
// German, light and dark.
//
// Usage: node main.mjs PROGRAM [FOLDER]. Screenshots are written to the folder, if there is one.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { DESK, NARROW, PHONE, check, launch, open } from "./checks.mjs";
import { demo } from "./demo.mjs";
import { elsewhere } from "./elsewhere.mjs";
import { kiosk } from "./kiosk.mjs";
import { client, history, punch } from "./office.mjs";
import { SETUP_TOKEN, start } from "./server.mjs";
import { totp } from "./totp.mjs";
import { ZONE, dateOf } from "./zone.mjs";

const [program, shots] = process.argv.slice(2);
if (!program) throw new Error("usage: node main.mjs PROGRAM [FOLDER]");

const MAIL = "hollis@nordlicht.example";
const PASSWORD = "the ferry leaves at noon";
const PEOPLE = ["Ari", "Bela", "Chi", "Eden", "Fern", "Gale", "Hollis Quist", "Kim Ostrowski-Baumgärtner", "<b>Lane</b> & Söhne"];
const TIMEOUT = 15_000;

if (shots) await mkdir(shots, { recursive: true });

/** The problems of the office. */
const problems = [];
/** The tokens that the pages showed. */
const tokens = {};
let server;
let browser;

// Parts wait for cameras and pages most of the time, so they run at the same time. Each has its own server and its own problems.
const found = await Promise.all([
  part(problems, office),
  part([], (problems, step) => kiosk(program, problems, step, shots)),
]);
found.push(await part([], (problems, step) => demo(program, problems, step, shots)));
// Chromium stops its requests when the machine gets another network, so this is alone.
found.push(await part([], (problems, step) => step("kiosk on another machine", () => elsewhere(program, problems, shots))));
const all = new Set(found.flat());
for (const problem of all) console.error(problem);
console.log(all.size === 0 ? "no problems" : `${all.size} problems`);
process.exitCode = all.size > 0 ? 1 : 0;

/** Runs a part of the tests with a function for its steps. The exception of a step is a problem, and the next steps still run. */
async function part(problems, run) {
  const step = async (name, run) => {
    const start = Date.now();
    try {
      await run();
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
    console.log(`${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
  };
  await run(problems, step);
  return problems;
}

/** The work of a day, from the wizard on, and each page. */
async function office(_, step) {
  server = await start(program);
  browser = await launch();
  try {
    await step("wizard", setUp);
    await step("people", people);
    await step("punches", punches);
    await step("correction", correction);
    await step("enrolment", enrolment);
    await step("policy", policy);
    await step("badges", badges);
    await step("member", member);
    await step("sign-in", signIn);
    await step("two-step sign-in", twoStep);
    await step("older browsers", olderBrowsers);
    await step("each page", walk);
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** The wizard, from the link to the pages. */
async function setUp() {
  const page = await visitor(DESK, {});
  await page.goto(`${server.address}/setup?token=${encodeURIComponent(SETUP_TOKEN)}`);
  await check(page, "wizard", problems);
  await shoot(page, "setup");
  const office = { organisation: "Nordlicht Works", name: "Hollis Quist", mail: MAIL, site: "Main office", time_zone: ZONE };
  await fill(page, { ...office, password: "much too shor" });
  await page.locator('[name="time_zone"]').fill("Europe/Nowhere");
  await refusal(page, () => press(page, "Continue"));
  await check(page, "wizard, refused", problems);
  await fill(page, { password: PASSWORD, time_zone: ZONE });
  await press(page, "Continue");
  await page.waitForURL("**/setup/device");
  await check(page, "wizard, device", problems);
  await fill(page, { device: "Front door" });
  await press(page, "Continue");
  tokens.device = await page.locator("#token").inputValue();
  await check(page, "wizard, person", problems);
  await shoot(page, "setup-person");
  await fill(page, { name: "Dana", number: "1000" });
  await press(page, "Continue");
  await page.waitForURL("**/setup/ready");
  await check(page, "wizard, ready", problems);
  tokens.state = await page.context().storageState();
  await page.goto(`${server.address}/settings`);
  await page.getByRole("button", { name: "Make a token" }).click();
  await fill(page, { label: "Payroll" });
  await page.locator("#token-role").selectOption("admin");
  await page.locator("#token").getByRole("button", { name: "Make a token" }).click();
  tokens.admin = await page.locator("#secret").inputValue();
  await check(page, "settings with a token", problems);
  await page.context().close();
}

/** New people: one by the form, refused and added; the others from a file. */
async function people() {
  const page = await visitor(DESK);
  await page.goto(`${server.address}/people/new`);
  await fill(page, { name: "Indra", number: "1000" });
  await refusal(page, () => press(page, "Add person"));
  await check(page, "number taken", problems);
  await shoot(page, "person-refused");
  await fill(page, { number: "1099" });
  await press(page, "Add person");
  await page.waitForURL(/done=person-added/);
  await check(page, "person with a message", problems);
  await shoot(page, "person-added");
  await page.goto(`${server.address}/people/import`);
  const rows = PEOPLE.map((name, index) => `${1001 + index},"${name}",2026-01-01`);
  const file = ["number,name,joined", ...rows, "1001,Twice,", ",Nobody,"].join("\n");
  await page.locator('[name="file"]').setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(file) });
  await page.getByText("Import the other lines").click();
  await press(page, "Import");
  await page.getByRole("heading", { name: "Report" }).waitFor();
  await expectText(page, "2 lines were refused");
  await check(page, "import", problems);
  await shoot(page, "import");
  await page.context().close();
}

/** Punches of some days. Today and the person agree. */
async function punches() {
  const admin = client(server.address, tokens.admin);
  const found = await punch(admin, client(server.address, tokens.device));
  const dana = found.find((person) => person.name === "Dana");
  tokens.dana = dana.id;
  await history(admin, dana.id, 120);
  const page = await visitor(DESK);
  await page.goto(`${server.address}/`);
  const tile = page.locator(".stat", { hasText: "In now" });
  const inside = Number.parseInt(await tile.locator(".value").innerText(), 10);
  if (inside !== found.length - 1) problems.push(`Today: ${inside} of ${found.length - 1} people are in`);
  // The list follows the search while the person types.
  await page.locator("#find").fill("söhne");
  await page.waitForFunction(() => document.querySelectorAll("#people-list tbody tr").length === 1, undefined, { timeout: TIMEOUT });
  await expectText(page, "<b>Lane</b> & Söhne");
  await page.context().close();
}

/** A correction by the dialog, and its undoing. */
async function correction() {
  const page = await visitor(DESK);
  const day = dateOf(1);
  await page.goto(`${server.address}/people/${tokens.dana}?date=${day}`);
  const before = await page.locator(".timeline > li").count();
  await page.getByRole("button", { name: "Record by hand" }).click();
  await page.locator("#add-time").fill("12:15");
  await page.locator("#add-reason").fill("Left for a walk.");
  await page.locator("#add").getByText("Out", { exact: true }).click();
  await check(page, "dialog", problems);
  await shoot(page, "dialog", false);
  await page.locator("#add").getByRole("button", { name: "Record" }).click();
  await page.waitForURL(/done=corrected/);
  if ((await page.locator(".timeline > li").count()) !== before + 1) problems.push("the correction has no punch");
  await check(page, "corrected", problems);
  await shoot(page, "corrected");
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.waitForURL(/done=undone/);
  await page.goto(`${server.address}/people/${tokens.dana}?date=${day}`);
  if ((await page.locator(".timeline > li").count()) !== before) problems.push("the correction was not undone");
  await page.context().close();
}

/** Consent, photos with a report on each, templates, and the removal of one. */
async function enrolment() {
  const page = await visitor(DESK);
  const file = (name) => fileURLToPath(new URL(`../../../data/people/${name}`, import.meta.url));
  await page.goto(`${server.address}/people/${tokens.dana}`);
  await page.getByRole("link", { name: "Enrol", exact: true }).click();
  await page.waitForURL("**/enrol");
  await check(page, "enrol, consent", problems);
  await shoot(page, "enrol-consent");
  await page.getByText("has read this text and agrees").click();
  await page.getByText("also wants that these pictures are kept").click();
  await press(page, "Record consent");
  await page.waitForURL(/done=consented/);
  await expectText(page, "Pictures of the face are kept.");
  await check(page, "enrol, photos", problems);
  await page.locator("#photo").setInputFiles(["Dana/1.jpg", "Dana/2.jpg", "Dana/3.jpg", "Kim/1.jpg"].map(file));
  await press(page, "Check the photos");
  await expectText(page, "of 4 photos taken");
  await page.goto(`${server.address}/people/${tokens.dana}/enrol`);
  await expectText(page, "It shows somebody else than the other photos.");
  await check(page, "enrol, report", problems);
  await shoot(page, "enrol-report");
  await page.goto(`${server.address}/people/${tokens.dana}`);
  const templates = page.locator("#faces .list > li");
  const before = await templates.count();
  if (before < 2) problems.push(`${before} templates of three photos`);
  await templates.first().getByRole("button").click();
  await page.waitForURL(/done=template-removed/);
  if ((await templates.count()) !== before - 1) problems.push("the template was not removed");
  await check(page, "person with templates", problems);
  await shoot(page, "person-faces");
  await page.context().close();
}

/** A change of the rules: refused, tried, applied. */
async function policy() {
  const page = await visitor(DESK);
  await page.goto(`${server.address}/policy`);
  await page.locator('[id="shifts.0.late_after"]').fill("soon");
  await refusal(page, () => press(page, "Try it"));
  await check(page, "policy, refused", problems);
  await page.goto(`${server.address}/policy`);
  await page.locator('[id="shifts.0.late_after"]').fill("0s");
  await page.locator('[id="shifts.0.start"]').fill("08:30");
  await page.locator("#starts").fill(dateOf(6));
  await press(page, "Try it");
  await page.getByRole("button", { name: /^Apply/ }).waitFor();
  await check(page, "policy, dry run", problems);
  await shoot(page, "policy-dry-run");
  await page.getByRole("button", { name: /^Apply/ }).click();
  await page.waitForURL(/done=policy/);
  await check(page, "policy, applied", problems);
  await page.context().close();
}

/** Nobody is chosen; then two people get badges, as cards to print. */
async function badges() {
  const page = await visitor(DESK);
  await page.goto(`${server.address}/people`);
  await page.getByRole("link", { name: "Badges" }).click();
  await page.waitForURL("**/badges");
  await refusal(page, () => press(page, "Make badges"));
  await check(page, "badges, refused", problems);
  for (const name of ["Dana", "<b>Lane</b> & Söhne"]) await page.getByText(name, { exact: true }).click();
  await press(page, "Make badges");
  await page.locator(".badge-card").nth(1).waitFor({ timeout: TIMEOUT });
  await check(page, "badges to print", problems);
  await shoot(page, "badges-print");
  await page.emulateMedia({ media: "print" });
  const [card, code] = await Promise.all([".badge-card", ".badge-card .qr"].map((part) => page.locator(part).first().boundingBox()));
  // A millimeter has 96 / 25.4 pixels. The codes are readable from 30 mm on.
  const millimeters = (pixels) => Math.round((pixels * 25.4) / 96);
  if (millimeters(card.width) !== 86 || millimeters(card.height) !== 54) problems.push(`a badge has ${card.width} × ${card.height} pixels`);
  if (millimeters(code.width) < 30) problems.push(`the code of a badge has ${millimeters(code.width)} mm`);
  if (await page.locator(".nav, .page-head").first().isVisible()) problems.push("the badges are printed with the page around them");
  await shoot(page, "badges-paper");
  await page.context().close();
}

/** A member accepts an invitation, and sees the own pages only. */
async function member() {
  const admin = client(server.address, tokens.admin);
  const account = { name: "Dana", mail: "dana@nordlicht.example", person: tokens.dana, roles: [{ role: "member" }] };
  const { id } = await admin("POST", "/accounts", account);
  const { token } = await admin("POST", `/accounts/${id}/invitation`);
  const page = await visitor(PHONE, {});
  await page.goto(`${server.address}/invitation?token=${token}`);
  await check(page, "invitation", problems);
  await fill(page, { password: PASSWORD });
  await press(page, "Continue");
  await page.waitForURL("**/me");
  tokens.member = await page.context().storageState();
  const before = problems.length;
  for (const path of ["/people", "/audit", `/people/${tokens.dana}`, "/policy"]) {
    const answer = await page.goto(`${server.address}${path}`);
    if (answer.status() !== 403) problems.push(`a member gets ${path}: ${answer.status()}`);
  }
  const others = problems.splice(before).filter((problem) => !problem.includes("403"));
  problems.push(...others);
  await check(page, "forbidden", problems);
  await shoot(page, "forbidden");
  await page.context().close();
}

/** A wrong password, the right one, and signing out; in German. */
async function signIn() {
  const page = await visitor(DESK, {}, { locale: "de-DE" });
  await page.goto(`${server.address}/`);
  await page.waitForURL("**/sign-in");
  await check(page, "sign-in", problems);
  await shoot(page, "sign-in");
  await fill(page, { mail: MAIL, password: "the ferry leaves at one" });
  await refusal(page, () => press(page, "Anmelden"));
  await expectText(page, "gehören nicht zusammen");
  await check(page, "wrong password", problems);
  await fill(page, { password: PASSWORD });
  await press(page, "Anmelden");
  await page.getByRole("heading", { name: "Heute", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Abmelden" }).first().click();
  await page.waitForURL("**/sign-in");
  await page.context().close();
}

/** Two-step sign-in: set up, used with a code and a recovery code, and reset by the admin. */
async function twoStep() {
  const admin = client(server.address, tokens.admin);
  const mail = "indra@nordlicht.example";
  const account = { name: "Indra Vale", mail, roles: [{ role: "manager", site: null }] };
  const { id } = await admin("POST", "/accounts", account);
  const { token } = await admin("POST", `/accounts/${id}/invitation`);
  const page = await visitor(PHONE, {});
  await page.goto(`${server.address}/invitation?token=${token}`);
  await fill(page, { password: PASSWORD });
  await press(page, "Continue");
  await page.waitForURL(`${server.address}/`);
  await page.goto(`${server.address}/settings`);
  await page.getByRole("link", { name: "Set up" }).click();
  await page.waitForURL("**/settings/two-step");
  await fill(page, { password: "the ferry leaves at one" });
  await refusal(page, () => press(page, "Show the QR code"));
  await check(page, "two-step, wrong password", problems);
  await fill(page, { password: PASSWORD });
  await press(page, "Show the QR code");
  const secret = await page.locator("#secret").inputValue({ timeout: TIMEOUT });
  await check(page, "two-step, QR code", problems);
  await shoot(page, "two-step-qr");
  await fill(page, { code: "000000" });
  await refusal(page, () => press(page, "Switch on"));
  await check(page, "two-step, wrong first code", problems);
  await shoot(page, "two-step-wrong");
  await fill(page, { code: totp(secret) });
  await press(page, "Switch on");
  await page.getByRole("heading", { name: "Keep these recovery codes" }).waitFor({ timeout: TIMEOUT });
  await check(page, "two-step, recovery codes", problems);
  await shoot(page, "two-step-codes");
  const codes = await page.locator(".codes > li").allInnerTexts();
  if (codes.length !== 10) problems.push(`${codes.length} recovery codes`);
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.waitForURL("**/settings");
  for (const [size, locale] of [[DESK, "en-GB"], [NARROW, "de-DE"]]) {
    const on = await visitor(size, await page.context().storageState(), { locale, colorScheme: "dark" });
    await on.goto(`${server.address}/settings/two-step`);
    await check(on, `two-step, on, ${locale}`, problems);
    await shoot(on, `two-step-on-${locale}`);
    await on.context().close();
  }

  // A code works once: the first one was used, so this is the next one, which the server takes early.
  const second = [totp(secret, Date.now() + 30_000), codes[0]];
  for (const code of second) {
    await page.context().clearCookies();
    await page.goto(`${server.address}/sign-in`);
    await fill(page, { mail, password: PASSWORD });
    await press(page, "Sign in");
    await page.locator("#code").waitFor({ timeout: TIMEOUT });
    await check(page, "sign-in, code", problems);
    await shoot(page, "sign-in-code");
    await fill(page, { code: "000000" });
    await refusal(page, () => press(page, "Sign in"));
    await check(page, "sign-in, wrong code", problems);
    await fill(page, { code });
    await press(page, "Sign in");
    await page.getByRole("heading", { name: "Today", level: 1 }).waitFor({ timeout: TIMEOUT });
  }
  await page.context().close();

  for (const [size, name] of [[PHONE, "phone"], [DESK, "desk"]]) {
    const settings = await visitor(size);
    await settings.goto(`${server.address}/settings`);
    const reset = settings.getByRole("button", { name: "Reset the second step of Indra Vale" });
    await reset.waitFor({ timeout: TIMEOUT });
    await check(settings, `settings with two-step sign-in, ${name}`, problems);
    await shoot(settings, `settings-two-step-${name}`);
    if (size === DESK) {
      // The rules of axe leave marks on the page.
      await settings.reload();
      await reset.click();
      await check(settings, "two-step, reset", problems);
      await shoot(settings, "two-step-reset", false);
      await settings.locator("dialog[open]").getByRole("button", { name: "Reset the second step" }).click();
      await settings.waitForURL(/done=two-step-reset/);
    }
    await settings.context().close();
  }
}

/** Browsers without popovers and without command buttons. */
async function olderBrowsers() {
  const page = await visitor(PHONE);
  await page.addInitScript(() => {
    delete HTMLElement.prototype.popover;
    delete HTMLButtonElement.prototype.command;
    delete HTMLButtonElement.prototype.commandForElement;
  });
  await page.goto(`${server.address}/devices`);
  await page.getByRole("button", { name: "Pair a device" }).click();
  await page.locator("dialog#pair[open]").waitFor({ timeout: TIMEOUT });
  await page.locator("#pair").getByRole("button", { name: "Cancel" }).click();
  await page.locator("dialog#pair").waitFor({ state: "hidden", timeout: TIMEOUT });
  await page.context().close();
}

/** Each page on each screen. */
async function walk() {
  const kinds = [
    ["desk", DESK, "light", "en"],
    ["desk", DESK, "dark", "en"],
    ["phone", PHONE, "light", "en"],
    ["phone", PHONE, "dark", "de"],
    ["narrow", NARROW, "light", "de"],
    // The rules of axe are the same in each language.
    ["desk", DESK, "light", "de", false],
  ];
  const yesterday = dateOf(1);
  const admin = [
    ["today", "/"],
    ["day", `/days/${yesterday}`],
    ["live", "/live"],
    ["people", "/people"],
    ["person-new", "/people/new"],
    ["import-form", "/people/import"],
    ["person", `/people/${tokens.dana}?date=${yesterday}`],
    ["choose", "/mark"],
    ["badges", "/badges"],
    ["review", "/review"],
    ["policy", "/policy"],
    ["devices", "/devices"],
    ["audit", "/audit"],
    ["privacy", "/privacy"],
    ["settings", "/settings"],
    ["two-step", "/settings/two-step"],
  ];
  const own = [["home", "/me"], ["history", "/me/history"], ["my-data", "/me/data"]];
  for (const [screen, size, theme, language, rules = true] of kinds) {
    for (const [state, pages] of [[tokens.state, admin], [tokens.member, own]]) {
      const locale = language === "de" ? "de-DE" : "en-GB";
      const page = await visitor(size, state, { locale, colorScheme: theme });
      for (const [name, path] of pages) {
        const answer = await page.goto(`${server.address}${path}`);
        const size = (await answer.body()).length;
        if (size > 100_000) problems.push(`${name}: ${size} bytes`);
        await check(page, `${name}, ${screen}, ${theme}, ${language}`, problems, { rules: rules && screen !== "narrow" });
        await shoot(page, `${name}-${screen}-${theme}-${language}`, screen === "desk");
      }
      await page.context().close();
    }
  }
}

/** A page of a visitor, by default of the admin. */
function visitor(size, state = tokens.state, options = {}) {
  return open(browser, size, { locale: "en-GB", storageState: state, ...options }, problems);
}

async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) await page.locator(`main [name="${name}"]`).first().fill(value, { timeout: TIMEOUT });
}

function press(page, name) {
  return page.locator("main").getByRole("button", { name, exact: true }).click({ timeout: TIMEOUT });
}

async function expectText(page, text) {
  await page.getByText(text).first().waitFor({ timeout: TIMEOUT });
}

/** Runs an action whose answer is a refusal: a status from 401 to 429 is expected, and is no problem. */
async function refusal(page, action) {
  const before = problems.length;
  const answered = page.waitForResponse((answer) => answer.request().method() === "POST", { timeout: TIMEOUT });
  await action();
  const status = (await answered).status();
  await page.waitForLoadState("load");
  problems.push(...problems.splice(before).filter((problem) => !problem.includes(String(status))));
  if (status < 401 || status > 429) problems.push(`${page.url()}: ${status} is not a refusal`);
  await page.locator("[role=alert]").first().waitFor({ timeout: TIMEOUT });
}

async function shoot(page, name, fullPage = true) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage });
}
