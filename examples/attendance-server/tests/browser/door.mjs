// A door in the tests: an office with people, kiosks with fake cameras, and what their screens show.

import { join } from "node:path";

import { play } from "./camera.mjs";
import { launch, open } from "./checks.mjs";
import { SETUP_TOKEN } from "./server.mjs";
import { ZONE } from "./zone.mjs";

export const TABLET = { width: 810, height: 1080 };
export const LAPTOP = { width: 1280, height: 800 };
/** Generous, for machines with other work. */
export const TIMEOUT = 60_000;

/** Makes the organisation by the wizard's form. Returns a client with the session of the admin, and its cookie. */
export async function setUp(address) {
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
  const [{ id: site }] = await admin("GET", "/sites");
  return { address, admin, cookie, site };
}

/** A new person, of the main office by default. */
export async function hire({ admin, site }, number, name, at = site) {
  const { id } = await admin("POST", "/people", { number, name, site: at, joined: "2026-01-01" });
  await admin("PUT", `/people/${id}/pin`, { pin: "4711" });
  return id;
}

/** Makes a site at which a punch is a repetition for some seconds only, so that a test can go in and out. Without one, for the main office. */
export async function quicken({ admin, site }, name) {
  const preset = { name, time_zone: ZONE, preset: "nine-to-five" };
  const id = name ? (await admin("POST", "/sites", preset)).id : site;
  const [{ toml }] = await admin("GET", `/sites/${id}/policies`);
  await admin("POST", `/sites/${id}/policies`, { applies_from: day(-1), toml: toml.replace(/^cooldown = .*$/m, 'cooldown = "3s"') });
  return id;
}

/** A new device, and the path of the link that pairs a kiosk with it. */
export async function pairingPath({ admin, site: main }, name, site = main) {
  const { device } = await admin("POST", "/devices", { site, name });
  const { token } = await admin("POST", `/devices/${device.id}/pairing`);
  return { id: device.id, path: `/kiosk#pair=${token}` };
}

/** A new kiosk with a camera that plays scenes, paired by its link. */
export async function door(test, name, scenes, { size = TABLET, site, options = {} } = {}) {
  const { id, path } = await pairingPath(test, name, site);
  return { id, ...(await openDoor(test, name, `${test.address}${path}`, scenes, { size, options })) };
}

/** A kiosk that opens a link. `chromium` has further flags and another program. */
export async function openDoor(test, name, link, scenes, { size = TABLET, options = {}, chromium = {} } = {}) {
  const flags = scenes ? await play(join(test.folder, `${name}.mjpeg`), scenes) : [];
  const browser = await launch([...flags, ...(chromium.flags ?? [])], chromium.program);
  try {
    const page = await open(browser, size, { locale: "en-GB", hasTouch: true, isMobile: false, ...options }, test.problems);
    await page.goto(link);
    await page.getByText(name).waitFor({ timeout: TIMEOUT });
    if (new URL(page.url()).hash) test.problems.push("the code of the pairing link stays in the address");
    return { browser, page };
  } catch (error) {
    // A browser that stays open keeps the tests from their end.
    await browser.close();
    throw error;
  }
}

/** Waits until the screen has one of these looks. Returns it. */
export async function look(page, looks, timeout = TIMEOUT) {
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
export function record(page) {
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

/** The state of a person and the punches of the day, by the API and by the pages Today and Person. */
export async function presence(test, person, name) {
  const { people } = await test.admin("GET", "/today");
  const punches = await test.admin("GET", `/people/${person}/punches?from=${day(-1)}&to=${day(1)}`);
  const browser = await launch();
  const page = await open(browser, LAPTOP, { locale: "en-GB" }, test.problems);
  await page.context().addCookies([test.cookie]);
  await page.goto(`${test.address}/`);
  const row = await page.locator("#people-list tr", { hasText: name }).innerText();
  await page.goto(`${test.address}/people/${person}`);
  const times = await page.locator(".timeline > li").count();
  await browser.close();
  return {
    api: people.find((entry) => entry.person === person)?.state,
    today: /\bIn\b/.test(row) ? "in" : /\bGone\b|\bOut\b/.test(row) ? "gone" : row,
    punches: punches.length,
    times,
  };
}

/** The date some days from now. */
export function day(offset) {
  return new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
}

export async function type(page, number, pin) {
  await page.getByRole("button", { name: "PIN", exact: true }).click();
  for (const digit of number) await page.locator(`[data-digit="${digit}"]`).click();
  await page.locator("#pin").focus();
  for (const digit of pin) await page.locator(`[data-digit="${digit}"]`).click();
}

/** Consent, photos, and the analysis in the background. */
export async function enrol({ admin }, person, pictures) {
  const { consent_text_version } = await admin("GET", "/recognition");
  await admin("POST", `/people/${person}/consents`, { text_version: consent_text_version, language: "en" });
  const form = new FormData();
  for (const [index, photo] of pictures.entries()) form.append("photo", new Blob([photo], { type: "image/jpeg" }), `${index}.jpg`);
  const { id } = await admin("POST", `/people/${person}/enrolments`, form);
  for (let round = 0; round < 300; round += 1) {
    const { state } = await admin("GET", `/enrolments/${id}`);
    if (state === "done") return;
    if (state === "failed") break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the enrolment of ${person} did not end`);
}

export async function shoot({ shots }, page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), caret: "initial" });
}
