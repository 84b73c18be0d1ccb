// The page of a door in Chromium, with a fake camera: pairing, people who come and go, strangers, other sites, prints, PIN, no
// connection, German.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ARI, NOBODY, STRANGER, TWO, photos, picture } from "./camera.mjs";
import { NARROW, check, launch, open } from "./checks.mjs";
import { LAPTOP, TABLET, TIMEOUT, day, door, enrol, hire, look, presence, quicken, record, setUp, shoot, type } from "./door.mjs";
import { guided } from "./guided.mjs";
import { start } from "./server.mjs";
import { openStudio } from "./studio.mjs";

/** Runs all steps on a server of their own. `report` has the problems; `step` runs a part; `shots` is a folder or nothing. */
export async function kiosk(program, problems, step, shots) {
  const server = await start(program);
  const folder = await mkdtemp(join(tmpdir(), "attendance-camera-"));
  const studio = await openStudio();
  try {
    const office = await setUp(server.address);
    await quicken(office);
    const ari = await hire(office, "1001", "Ari");
    const bela = await hire(office, "1002", "Bela");
    const test = { ...office, ari, bela, folder, studio, problems, shots };
    await enrol(test, ari, await photos("Ari"));
    // It takes a minute, so the others do not wait for it.
    const printed = step("kiosk: a print", () => print(test));
    await step("kiosk: pairing", () => pairing(test));
    await step("kiosk: an enrolled person", () => walkIn(test));
    await step("kiosk: a stranger", () => stranger(test));
    await step("kiosk: two people", () => two(test));
    await step("kiosk: the guided camera", () => guided(test));
    await step("kiosk: another site", () => otherSite(test));
    await step("kiosk: PIN, and no connection", () => offline(test));
    await step("kiosk: no camera, German, narrow", () => german(test));
    await printed;
  } finally {
    await studio.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Somebody comes, goes, and comes again as somebody else. The pages and the API agree. */
async function walkIn(test) {
  const { admin, problems } = test;
  const { browser, page } = await door(test, "North door", [[NOBODY, 6], [ARI, 6]]);
  const agree = async (state, punches) => {
    const name = await page.locator("#name").innerText();
    if (name !== "Ari") problems.push(`the kiosk names ${name}`);
    const found = await presence(test, test.ari, "Ari");
    const wanted = JSON.stringify({ api: state, today: state, punches, times: punches });
    if (JSON.stringify(found) !== wanted) problems.push(`Ari: ${JSON.stringify(found)}, not ${wanted}`);
  };
  try {
    await page.getByText("Look into the oval").waitFor({ timeout: TIMEOUT });
    await check(page, "kiosk, idle", problems);
    await shoot(test, page, "kiosk-idle");
    await look(page, ["in"]);
    await shoot(test, page, "kiosk-in");
    await check(page, "kiosk, in", problems);
    await agree("in", 1);
    await look(page, ["out"]);
    await shoot(test, page, "kiosk-out");
    await check(page, "kiosk, out", problems);
    await agree("gone", 2);
    // "Not me" voids the punch and asks for the PIN.
    await look(page, ["in"]);
    await page.locator("[data-disown-button]:visible").click();
    await page.locator("#pin-error").waitFor();
    await shoot(test, page, "kiosk-not-me");
    const after = await admin("GET", "/today");
    const state = after.people.find((entry) => entry.person === test.ari)?.state;
    if (state === "in") problems.push("Ari is in after “not me”");
  } finally {
    await browser.close();
  }
}

/** A print of an enrolled person, moved about for a minute: nobody is marked. So are pictures of real prints and screens. */
async function print(test) {
  const { problems, studio } = test;
  const entrance = await picture(NOBODY);
  const [photo] = await photos("Ari", [1]);
  const scenes = [[await studio.print(photo, entrance, { seconds: 20 })]];
  const folder = process.env.FACEKIT_TEST_DATA;
  for (const name of folder ? ["image_F1.jpg", "image_F2.jpg", "rgb_fake.jpg"] : []) {
    const attack = await readFile(join(folder, "data", "photos", name));
    scenes.push([await studio.attack(attack, entrance, { seconds: 5 })]);
  }
  const { browser, page, id } = await door(test, "Yard door", scenes, { size: LAPTOP });
  try {
    await record(page);
    await look(page, ["stop", "unknown"]);
    await shoot(test, page, "kiosk-print");
    await page.waitForTimeout(60_000);
    const looks = await page.evaluate(() => window.looks);
    const marks = looks.filter((entry) => /^(in|out|warn)|Ari|Bela/.test(entry));
    if (marks.length > 0) problems.push(`a print is marked: ${marks.join(", ")}`);
    const { items } = await test.admin("GET", `/sightings?device=${id}&limit=100`);
    const marked = items.filter((sighting) => sighting.person || sighting.answer.outcome !== "refused");
    if (items.length === 0 || marked.length > 0) problems.push(`a print has ${items.length} sightings, ${marked.length} of them of a person`);
  } finally {
    await browser.close();
  }
}

/** Somebody of another site: known at the own door, nobody at this one. The PIN counts at each. */
async function otherSite(test) {
  const { problems, dana, hamburg } = test;
  const [photo] = await photos("Dana", [4]);
  const scenes = [[await test.studio.empty(photo, { seconds: 4 })], [await test.studio.visitor(photo, { seconds: 6 })]];
  const own = await door(test, "Harbour door", scenes, { size: LAPTOP, site: hamburg });
  try {
    await look(own.page, ["in"]);
    const name = await own.page.locator("#name").innerText();
    if (name !== "Dana") problems.push(`at the own site the kiosk names ${name}`);
  } finally {
    await own.browser.close();
  }
  const other = await door(test, "Side door", scenes, { size: LAPTOP });
  try {
    await record(other.page);
    await look(other.page, ["unknown"]);
    await shoot(test, other.page, "kiosk-other-site");
    await type(other.page, "2001", "4711");
    await other.page.locator("#pad .go").click();
    await look(other.page, ["out"]);
    const looks = await other.page.evaluate(() => window.looks);
    const named = looks.filter((entry) => /Dana/.test(entry));
    if (named.length !== 1) problems.push(`at another site: ${looks.join(", ")}`);
    const { api, punches } = await presence(test, dana, "Dana");
    if (api !== "gone" || punches !== 2) problems.push(`Dana, of another site: ${api} with ${punches} punches`);
  } finally {
    await other.browser.close();
  }
}

/** The page Devices shows the link and its QR code. */
async function pairing(test) {
  const browser = await launch();
  try {
    for (const [name, size] of [["desk", LAPTOP], ["phone", { width: 390, height: 844 }]]) {
      const page = await open(browser, size, { locale: "en-GB" }, test.problems);
      await page.context().addCookies([test.cookie]);
      await page.goto(`${test.address}/devices`);
      await page.getByRole("button", { name: "Pair a device" }).first().click();
      await page.locator("#device-name").fill(`Front door, ${name}`);
      await page.locator("#pair").getByRole("button", { name: "Pair a device" }).click();
      await page.locator("svg.qr").waitFor({ timeout: TIMEOUT });
      await check(page, `pairing, ${name}`, test.problems);
      await shoot(test, page, `kiosk-pairing-${name}`);
      await page.getByRole("link", { name: "Open the kiosk" }).click();
      await page.getByText(`Front door, ${name}`).waitFor({ timeout: TIMEOUT });
      await page.context().close();
    }
  } finally {
    await browser.close();
  }
}

async function stranger(test) {
  const { browser, page } = await door(test, "South door", [[STRANGER, 10]], { size: LAPTOP });
  try {
    await record(page);
    await look(page, ["unknown", "stop"]);
    await shoot(test, page, "kiosk-unknown");
    await page.waitForFunction(() => document.getElementById("name").textContent === "PIN or QR code", undefined, { timeout: TIMEOUT });
    await check(page, "kiosk, codes only", test.problems);
    const looks = await page.evaluate(() => window.looks);
    const names = looks.filter((entry) => /^(in|out|warn)/.test(entry) || /Ari|Bela/.test(entry));
    if (names.length > 0) test.problems.push(`a stranger is named: ${names.join(", ")}`);
  } finally {
    await browser.close();
  }
}

async function two(test) {
  const { browser, page } = await door(test, "West door", [[TWO, 10]], { size: LAPTOP });
  try {
    await record(page);
    await page.getByText("One at a time").waitFor({ timeout: TIMEOUT });
    await shoot(test, page, "kiosk-several");
    await page.waitForTimeout(3000);
    const looks = await page.evaluate(() => window.looks);
    if (looks.some((entry) => /^(in|out|warn|unknown|stop)/.test(entry))) test.problems.push(`two people: ${looks.join(", ")}`);
  } finally {
    await browser.close();
  }
}

async function offline(test) {
  const { browser, page } = await door(test, "East door", [[NOBODY, 4]]);
  const { problems } = test;
  try {
    // A wrong PIN.
    await type(page, "1002", "1111");
    await check(page, "kiosk, PIN", problems);
    await shoot(test, page, "kiosk-pin");
    const before = problems.length;
    await page.locator("#pad .go").click();
    await page.getByText("do not belong together").waitFor({ timeout: TIMEOUT });
    await page.waitForTimeout(200);
    problems.push(...problems.splice(before).filter((problem) => !problem.includes("422")));
    await check(page, "kiosk, wrong PIN", problems);
    await shoot(test, page, "kiosk-pin-wrong");
    await page.locator('[data-open="face"]').click();
    // The connection is lost; the PIN is kept; the connection comes back.
    const lost = problems.length;
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.context().setOffline(true);
    await look(page, ["offline"]);
    // The page is kept: a tablet that starts without a connection shows it.
    await page.reload();
    await look(page, ["offline"]);
    await type(page, "1002", "4711");
    await page.locator("#pad .go").click();
    await page.getByText("Not confirmed yet", { exact: true }).waitFor({ timeout: TIMEOUT });
    await shoot(test, page, "kiosk-kept");
    await page.getByText("Not confirmed yet: 1").waitFor({ timeout: TIMEOUT });
    const during = await presence(test, test.bela, "Bela");
    if (during.api === "in") problems.push("Bela is in before the connection is back");
    await shoot(test, page, "kiosk-offline");
    await page.context().setOffline(false);
    await page.locator("#waiting").waitFor({ state: "hidden", timeout: TIMEOUT });
    problems.push(...problems.splice(lost).filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED")));
    const { api, today } = await presence(test, test.bela, "Bela");
    if (api !== "in" || today !== "in") problems.push(`Bela's PIN was kept: API ${api}, Today ${today}`);
  } finally {
    await browser.close();
  }
}

async function german(test) {
  // Without a fake camera there is none.
  const { browser, page } = await door(test, "Werkstatt", undefined, { size: NARROW, options: { locale: "de-DE" } });
  try {
    await page.getByText("Keine Kamera").waitFor({ timeout: TIMEOUT });
    await check(page, "kiosk, no camera, narrow, de", test.problems);
    await shoot(test, page, "kiosk-no-camera-narrow-de");
    await page.getByRole("button", { name: "PIN", exact: true }).click();
    await check(page, "kiosk, PIN, narrow, de", test.problems);
    await shoot(test, page, "kiosk-pin-narrow-de");
    await page.getByRole("button", { name: "QR-Code", exact: true }).click();
    await check(page, "kiosk, QR code, narrow, de", test.problems);
    await shoot(test, page, "kiosk-badge-narrow-de");
    const badge = await test.admin("POST", `/people/${test.ari}/badge`);
    await page.locator("#code").fill(badge.token);
    await page.locator("#badge-form").getByRole("button", { name: "Fertig" }).click();
    await look(page, ["in", "out", "warn"]);
    await check(page, "kiosk, result, narrow, de", test.problems);
    await shoot(test, page, "kiosk-in-narrow-de");
    // A link works once.
    const other = await open(browser, TABLET, { locale: "de-DE" }, test.problems);
    await other.goto(`${test.address}/kiosk`);
    await other.getByText("Nicht gekoppelt").waitFor({ timeout: TIMEOUT });
    await check(other, "kiosk, not paired, de", test.problems);
    await shoot(test, other, "kiosk-unpaired-de");
  } finally {
    await browser.close();
  }
}
