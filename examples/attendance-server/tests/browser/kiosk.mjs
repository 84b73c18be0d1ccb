// The page of a door in Chromium, with a fake camera: pairing, people who walk in, strangers, PIN, no connection, German.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ARI, NOBODY, STRANGER, TWO, photos, play } from "./camera.mjs";
import { NARROW, check, launch, open } from "./checks.mjs";
import { SETUP_TOKEN, start } from "./server.mjs";
import { ZONE } from "./zone.mjs";

const TABLET = { width: 810, height: 1080 };
const LAPTOP = { width: 1280, height: 800 };
const TIMEOUT = 30_000;

/** Runs all steps on a server of their own. `report` has the problems; `step` runs a part; `shots` is a folder or nothing. */
export async function kiosk(program, problems, step, shots) {
  const server = await start(program);
  const folder = await mkdtemp(join(tmpdir(), "attendance-camera-"));
  try {
    const office = await setUp(server.address);
    const test = { ...office, address: server.address, folder, problems, shots };
    await step("kiosk: pairing", () => pairing(test));
    await step("kiosk: an enrolled person", () => walkIn(test));
    await step("kiosk: a stranger", () => stranger(test));
    await step("kiosk: two people", () => two(test));
    await step("kiosk: PIN, and no connection", () => offline(test));
    await step("kiosk: no camera, German, narrow", () => german(test));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes the organisation by the wizard's form. Returns a client with the session of the admin, and its cookie. */
async function setUp(address) {
  const form = {
    token: SETUP_TOKEN, organisation: "Nordlicht Works", name: "Hollis Quist", mail: "hollis@nordlicht.example",
    password: "the ferry leaves at noon", site: "Main office", time_zone: ZONE, preset: "nine-to-five",
  };
  const answer = await fetch(`${address}/setup`, {
    method: "POST", body: new URLSearchParams(form), redirect: "manual", headers: { "sec-fetch-site": "same-origin" },
  });
  const value = answer.headers.get("set-cookie")?.match(/__Host-session=([^;]+)/)?.[1];
  if (!value) throw new Error(`the set-up failed: ${answer.status} ${await answer.text()}`);
  const cookie = { name: "__Host-session", value, domain: "localhost", path: "/", secure: true, httpOnly: true, sameSite: "Lax" };
  const admin = async (method, path, body) => {
    const headers = { cookie: `__Host-session=${value}`, "sec-fetch-site": "same-origin", "idempotency-key": crypto.randomUUID() };
    const isForm = body instanceof FormData;
    if (body && !isForm) headers["content-type"] = "application/json";
    const answer = await fetch(`${address}/api/v1${path}`, { method, headers, body: isForm ? body : body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const [site] = await admin("GET", "/sites");
  const person = async (number, name) => {
    const { id } = await admin("POST", "/people", { number, name, site: site.id, joined: "2026-01-01" });
    await admin("PUT", `/people/${id}/pin`, { pin: "4711" });
    return id;
  };
  return { admin, cookie, site: site.id, ari: await person("1001", "Ari"), bela: await person("1002", "Bela") };
}

/** A new kiosk with a camera that plays scenes, paired by its link. */
async function door(test, name, scenes, size = TABLET, options = {}) {
  const flags = scenes ? await play(join(test.folder, `${name}.mjpeg`), scenes) : [];
  const browser = await launch(flags);
  const device = await test.admin("POST", "/devices", { site: test.site, name });
  const { token } = await test.admin("POST", `/devices/${device.device.id}/pairing`);
  const page = await open(browser, size, { locale: "en-GB", hasTouch: true, isMobile: false, ...options }, test.problems);
  await page.goto(`${test.address}/kiosk#pair=${token}`);
  await page.getByText(name).waitFor({ timeout: TIMEOUT });
  if (new URL(page.url()).hash) test.problems.push("the code of the pairing link stays in the address");
  return { browser, page, id: device.device.id };
}

/** Waits until the screen has one of these looks. Returns it. */
async function look(page, looks, timeout = TIMEOUT) {
  const handle = await page.waitForFunction(
    (looks) => {
      const look = document.getElementById("kiosk").dataset.look;
      return looks.includes(look) && look;
    },
    looks,
    { timeout, polling: 50 }
  );
  return handle.jsonValue();
}

/** Records all looks and names that the screen shows from now on. */
function record(page) {
  return page.evaluate(() => {
    window.looks = [];
    const note = () => {
      const kiosk = document.getElementById("kiosk");
      const name = kiosk.dataset.view === "result" ? document.getElementById("name").textContent : "";
      const entry = `${kiosk.dataset.look} ${name}`.trim();
      if (window.looks.at(-1) !== entry) window.looks.push(entry);
    };
    new MutationObserver(note).observe(document.getElementById("kiosk"), { attributes: true, subtree: true, childList: true });
  });
}

/** The state of a person, by the API and by the page Today. */
async function presence(test, person, name) {
  const { people } = await test.admin("GET", "/today");
  const browser = await launch();
  const page = await open(browser, LAPTOP, { locale: "en-GB" }, test.problems);
  await page.context().addCookies([test.cookie]);
  await page.goto(`${test.address}/`);
  const row = await page.locator("#people-list tr", { hasText: name }).innerText();
  await browser.close();
  return { api: people.find((entry) => entry.person === person)?.state, today: /\bIn\b/.test(row) ? "in" : row };
}

/** The date some days from now. */
function day(offset) {
  return new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
}

async function walkIn(test) {
  const { admin, problems } = test;
  await enrol(test, test.ari, "Ari");
  const { browser, page } = await door(test, "North door", [[NOBODY, 12], [ARI, 12]]);
  try {
    await page.getByText("Look into the oval").waitFor({ timeout: TIMEOUT });
    await check(page, "kiosk, idle", problems, { shift: false });
    await shoot(test, page, "kiosk-idle");
    await look(page, ["in"]);
    await shoot(test, page, "kiosk-in");
    const name = await page.locator("#name").innerText();
    if (name !== "Ari") problems.push(`the kiosk names ${name}`);
    await check(page, "kiosk, in", problems, { shift: false });
    const { api, today } = await presence(test, test.ari, "Ari");
    if (api !== "in" || today !== "in") problems.push(`Ari walked in: API ${api}, Today ${today}`);
    const [punch] = await admin("GET", `/people/${test.ari}/punches?from=${day(-1)}&to=${day(1)}`);
    if (!punch) problems.push("Ari has no punch");
    // "Not me" voids the punch and asks for the PIN.
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
  const { browser, page } = await door(test, "South door", [[STRANGER, 10]], LAPTOP);
  try {
    await record(page);
    await look(page, ["unknown", "stop"]);
    await shoot(test, page, "kiosk-unknown");
    await page.waitForFunction(() => document.getElementById("name").textContent === "PIN or QR code", undefined, { timeout: 40_000 });
    await check(page, "kiosk, codes only", test.problems, { shift: false });
    const looks = await page.evaluate(() => window.looks);
    const names = looks.filter((entry) => /^(in|out|warn)/.test(entry) || /Ari|Bela/.test(entry));
    if (names.length > 0) test.problems.push(`a stranger is named: ${names.join(", ")}`);
  } finally {
    await browser.close();
  }
}

async function two(test) {
  const { browser, page } = await door(test, "West door", [[TWO, 10]], LAPTOP);
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

async function type(page, number, pin) {
  await page.getByRole("button", { name: "PIN", exact: true }).click();
  for (const digit of number) await page.locator(`[data-digit="${digit}"]`).click();
  await page.locator("#pin").focus();
  for (const digit of pin) await page.locator(`[data-digit="${digit}"]`).click();
}

async function offline(test) {
  const { browser, page } = await door(test, "East door", [[NOBODY, 4]]);
  const { problems } = test;
  try {
    // A wrong PIN.
    await type(page, "1002", "1111");
    await check(page, "kiosk, PIN", problems, { shift: false });
    await shoot(test, page, "kiosk-pin");
    const before = problems.length;
    await page.locator("#pad .go").click();
    await page.getByText("do not belong together").waitFor({ timeout: TIMEOUT });
    await page.waitForTimeout(200);
    problems.push(...problems.splice(before).filter((problem) => !problem.includes("422")));
    await check(page, "kiosk, wrong PIN", problems, { shift: false });
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
  const { browser, page } = await door(test, "Werkstatt", undefined, NARROW, { locale: "de-DE" });
  try {
    await page.getByText("Keine Kamera").waitFor({ timeout: TIMEOUT });
    await check(page, "kiosk, no camera, narrow, de", test.problems, { shift: false });
    await shoot(test, page, "kiosk-no-camera-narrow-de");
    await page.getByRole("button", { name: "PIN", exact: true }).click();
    await check(page, "kiosk, PIN, narrow, de", test.problems, { shift: false });
    await shoot(test, page, "kiosk-pin-narrow-de");
    await page.getByRole("button", { name: "QR-Code", exact: true }).click();
    await check(page, "kiosk, QR code, narrow, de", test.problems, { shift: false });
    await shoot(test, page, "kiosk-badge-narrow-de");
    const badge = await test.admin("POST", `/people/${test.ari}/badge`);
    await page.locator("#code").fill(badge.token);
    await page.locator("#badge-form").getByRole("button", { name: "Fertig" }).click();
    await look(page, ["in", "out", "warn"]);
    await check(page, "kiosk, result, narrow, de", test.problems, { shift: false });
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

/** Consent, photos, and the analysis in the background. */
async function enrol({ admin }, person, name) {
  const { consent_text_version } = await admin("GET", "/recognition");
  await admin("POST", `/people/${person}/consents`, { text_version: consent_text_version, language: "en" });
  const form = new FormData();
  for (const [index, photo] of (await photos(name)).entries()) form.append("photo", new Blob([photo], { type: "image/jpeg" }), `${index}.jpg`);
  const { id } = await admin("POST", `/people/${person}/enrolments`, form);
  for (let round = 0; round < 300; round += 1) {
    const { state } = await admin("GET", `/enrolments/${id}`);
    if (state === "done") return;
    if (state === "failed") break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the enrolment of ${name} did not end`);
}

async function shoot({ shots }, page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), caret: "initial" });
}
