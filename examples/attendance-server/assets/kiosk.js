// @ts-check
// The page of a door. The server decides; this script sends frames, PINs and QR codes, and draws the answers.

import { count, flush, keep } from "./kiosk-queue.js";

const TOKEN = "kiosk-token";
const ZONE = "kiosk-zone";
const PLACE = "kiosk-place";
/** A result is shown for so many milliseconds. */
const SHOWN = 2000;
/** "Not me" is offered for so many milliseconds. */
const DISOWN = 10_000;
/** The shortest time between two frames, in milliseconds. */
const PACE = 120;
/** A form that nobody touches closes after so many milliseconds. */
const FORGOTTEN = 30_000;

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const field = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

const kiosk = at("kiosk");
const camera = /** @type {HTMLVideoElement} */ (at("camera"));
const badgeCamera = /** @type {HTMLVideoElement} */ (at("badge-camera"));

/** The look, the icon and the texts of each state. */
const texts = new Map();
for (const element of at("texts").children) {
  const { state, look, icon, word, more } = /** @type {HTMLElement} */ (element).dataset;
  texts.set(state, { look, icon, word, more });
}

/** This load of the page, and the number of its next frame or code. */
const boot = crypto.randomUUID();
let sequence = 0;

let token = localStorage.getItem(TOKEN) ?? "";
/** @type {WebSocket | undefined} */
let socket;
let credit = 0;
let isOnline = false;
let hasFaces = true;
/** There is no camera, or it may not be used. */
let hasNoCamera = false;
/** The zone and the name of the device, which a start without a connection shows too. */
let zone = localStorage.getItem(ZONE) ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
/** The kiosk cannot work: it is not paired, or runs elsewhere. */
let isStopped = false;
/** The end of the time in which a result is shown. */
let shownUntil = 0;
/** @type {number | undefined} */
let settling;
/** The sighting that "not me" voids. */
let disownable = "";
let disownUntil = 0;
/** The state that the guide shows. */
let shown = "";
/** The last result, which the server sends with each frame for a while. */
let lastResult = "";
let lost = 0;
/** The subject that the server looks for in the frames. */
let lookedFor = "face";

// Drawing

/** @param {string} state */
function textOf(state) {
  return texts.get(state) ?? texts.get("failed");
}

/** @param {"guide" | "result" | "pin" | "badge"} view */
function view(view) {
  if (kiosk.dataset.view === view) return;
  kiosk.dataset.view = view;
  if (view === "pin" || view === "badge") kiosk.dataset.look = "idle";
}

/** @param {string} id @param {string} icon */
function setIcon(id, icon) {
  at(id).setAttribute("href", `/assets/icons.svg#i-${icon}`);
}

/** @param {string} id @param {string} text */
function setText(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

function greeting() {
  const hour = Number(time(new Date().toISOString()).slice(0, 2));
  return hour < 11 ? "morning" : hour < 18 ? "day" : "evening";
}

/** Shows a hint beside the oval. @param {string} state @param {number} [frames] */
function guide(state, frames = 0) {
  if (kiosk.dataset.view === "pin" || kiosk.dataset.view === "badge") return;
  if (performance.now() < shownUntil) return;
  const { look, icon, word, more } = textOf(state === "idle" ? greeting() : state);
  view("guide");
  kiosk.dataset.look = look;
  setText("word", word);
  setText("more", more);
  setIcon("hint-icon", icon);
  const part = state === "checking" ? 100 : state === "hold" ? 34 + 22 * frames : 12;
  at("progress").setAttribute("stroke-dasharray", `${part} 100`);
  // The next person must not void the punch of the last one.
  if (state !== "idle" && state !== shown) endDisown();
  shown = state;
}

/**
 * Fills the screen with a result.
 *
 * @param {string} state
 * @param {{ name?: string, detail?: string, stays?: boolean }} [content]
 */
function result(state, { name, detail, stays } = {}) {
  const { look, icon, word, more } = textOf(state);
  view("result");
  kiosk.dataset.look = look;
  setIcon("result-icon", icon);
  const isMark = state === "in" || state === "out";
  setText("verdict", isMark ? word : "");
  setText("name", isMark ? name ?? "" : name ? `${word}: ${name}` : word);
  setText("detail", detail ?? more);
  shownUntil = stays ? 0 : performance.now() + SHOWN;
  shown = state;
  // The end of an earlier result is not the end of this one.
  clearTimeout(settling);
  if (!stays) settling = setTimeout(settle, SHOWN + 20);
}

/** After a result: the guide, or what keeps it from working. */
function settle() {
  if (performance.now() < shownUntil || kiosk.dataset.view !== "result") return;
  rest();
}

/** The state in which nobody uses the kiosk. */
function rest() {
  if (isStopped || kiosk.dataset.view === "pin" || kiosk.dataset.view === "badge") return;
  if (!isOnline) result("offline", { stays: true });
  else if (!hasFaces) guideAlways("no-faces");
  else if (hasNoCamera) result("no-camera", { stays: true });
  else if (!camera.srcObject) guideAlways("connecting");
  else guideAlways("idle");
}

/** @param {string} state */
function guideAlways(state) {
  shownUntil = 0;
  kiosk.dataset.view = "guide";
  guide(state);
}

/** @param {string} instant */
function time(instant) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZone: zone, hourCycle: "h23" })
    .format(new Date(instant));
}

/** @param {{ state: string, frames?: number, seconds?: number, sighting?: string, name?: string, at?: string, code?: string }} screen */
function draw(screen) {
  const { state } = screen;
  if (["in", "out", "duplicate", "refused", "unknown", "spoof", "codes"].includes(state)) {
    const code = String(screen.code).replaceAll("_", "-");
    const key = screen.sighting ?? `${state} ${code}`;
    if (key === lastResult) return;
    lastResult = key;
    const isForm = kiosk.dataset.view === "pin" || kiosk.dataset.view === "badge";
    const isBadge = kiosk.dataset.view === "badge" && lookedFor === "badge";
    if (isBadge && state === "refused" && texts.has(code)) refuse("badge-error", code, "code");
    else if (!isForm || screen.sighting || isBadge) {
      scanning?.();
      mark(screen, !isBadge);
    }
    return;
  }
  lastResult = "";
  if (state === "badge") return;
  guide(state === "no_faces" ? "no-faces" : state, screen.frames);
}

/** Shows the result of a mark. @param {any} screen @param {boolean} isFace */
function mark(screen, isFace) {
  const { state } = screen;
  if (state === "in" || state === "out") {
    result(state, { name: screen.name, detail: time(screen.at) });
    tone(state === "in" ? [523, 784] : [659, 440]);
    if (isFace) offerDisown(screen.sighting);
  } else if (state === "duplicate") {
    result("duplicate", { name: screen.name });
    tone([523, 523]);
  } else if (state === "refused") {
    const code = String(screen.code).replaceAll("_", "-");
    result(texts.has(code) ? code : "refused");
    tone([220]);
  } else {
    result(state, { stays: state === "codes" });
    tone([220]);
  }
}

/** @param {string} sighting */
function offerDisown(sighting) {
  [disownable, disownUntil] = [sighting, performance.now() + DISOWN];
  kiosk.setAttribute("data-disown", "");
}

function endDisown() {
  disownable = "";
  kiosk.removeAttribute("data-disown");
}

/** @type {AudioContext | undefined} */
let audio;
addEventListener("pointerdown", () => {
  // Browsers play nothing before somebody touches the page.
  audio ??= new AudioContext();
  audio.resume();
}, { once: true });

/** @param {number[]} frequencies */
function tone(frequencies) {
  if (audio?.state !== "running") return;
  frequencies.forEach((frequency, index) => {
    const [start, oscillator, gain] = [audio.currentTime + 0.14 * index, audio.createOscillator(), audio.createGain()];
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0.2, start);
    gain.gain.exponentialRampToValueAtTime(0.001, start + 0.25);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(start);
    oscillator.stop(start + 0.26);
  });
}

const strokes = (document.querySelector(".ticks")?.getAttribute("d") ?? "").split("M").slice(1);

function tick() {
  setText("clock", time(new Date().toISOString()));
  const seconds = new Date().getSeconds();
  document.querySelector(".ticks.on")?.setAttribute("d", strokes.slice(0, seconds + 1).map((stroke) => `M${stroke}`).join(""));
  if (disownable && performance.now() > disownUntil) endDisown();
  if (shown === "idle" || ["morning", "day", "evening"].includes(shown)) setText("word", textOf(greeting()).word);
}

// Camera

async function openCamera() {
  try {
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      [camera.srcObject, hasNoCamera] = [null, true];
      rest();
      setTimeout(openCamera, 2000);
    });
    [camera.srcObject, hasNoCamera] = [stream, false];
    await camera.play();
    rest();
  } catch {
    [camera.srcObject, hasNoCamera] = [null, true];
    rest();
    setTimeout(openCamera, 5000);
  }
}

const canvas = document.createElement("canvas");

/** The picture of the camera as a JPEG file. */
function capture() {
  const scale = Math.min(1, 640 / camera.videoWidth);
  [canvas.width, canvas.height] = [Math.round(camera.videoWidth * scale), Math.round(camera.videoHeight * scale)];
  canvas.getContext("2d")?.drawImage(camera, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}

let isSending = false;

async function sendFrame() {
  const isWatching = kiosk.dataset.view === "guide" || kiosk.dataset.view === "result";
  const isWanted = (hasFaces && isWatching) || lookedFor === "badge";
  const isReady = isOnline && isWanted && camera.srcObject && camera.readyState >= 2 && !document.hidden;
  if (isSending || credit < 1 || !isReady) return;
  isSending = true;
  try {
    const image = /** @type {Blob | null} */ (await capture());
    if (!image || socket?.readyState !== WebSocket.OPEN) return;
    const header = new DataView(new ArrayBuffer(16));
    header.setBigUint64(0, BigInt(sequence++));
    header.setBigUint64(8, BigInt(Date.now()) * 1000n);
    credit -= 1;
    socket.send(new Blob([header, image]));
  } finally {
    isSending = false;
  }
}

// Connection

let retry = 0;

function connect() {
  const isOpen = socket && socket.readyState <= WebSocket.OPEN;
  if (!token || isStopped || isOpen || !navigator.onLine) return;
  const address = new URL("/api/v1/camera", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const opened = new WebSocket(address, ["facekit.camera.v1", token]);
  socket = opened;
  opened.addEventListener("open", () => opened.send(JSON.stringify({ type: "hello", boot })));
  opened.addEventListener("message", (event) => {
    if (opened === socket) take(JSON.parse(event.data));
  });
  opened.addEventListener("close", (event) => {
    if (opened === socket) closed(event.code);
  });
}

addEventListener("offline", () => {
  const lost = socket;
  socket = undefined;
  lost?.close();
  closed(0);
});
addEventListener("online", () => {
  retry = 0;
  connect();
});

/** @param {any} message */
function take(message) {
  if (message.type === "welcome") {
    [isOnline, hasFaces, zone, retry, credit] = [true, message.faces, message.zone, 0, 0];
    // A new connection looks for faces.
    if (lookedFor === "badge") {
      lookedFor = "face";
      lookFor("badge");
    }
    setText("place", message.device);
    localStorage.setItem(ZONE, zone);
    localStorage.setItem(PLACE, message.device);
    // The clock is that of the site at once.
    tick();
    if (kiosk.dataset.view === "result" || shown === "connecting") rest();
    sendWaiting();
  } else if (message.type === "credit") {
    credit += message.frames;
  } else if (message.type === "state") {
    draw(message);
  } else if (message.type === "error") {
    fail();
  }
}

/** A frame could not be used, or its person could not be recorded. */
function fail() {
  lastResult = "";
  const isForm = kiosk.dataset.view === "pin" || kiosk.dataset.view === "badge";
  const isBadge = kiosk.dataset.view === "badge" && lookedFor === "badge";
  if (isStopped || (isForm && !isBadge)) return;
  scanning?.();
  result("failed");
}

/** @param {number} code */
async function closed(code) {
  [isOnline, credit] = [false, 0];
  if (code === 4001) return stop("replaced");
  // A browser does not tell why a connection was refused.
  if (navigator.onLine && (code === 1008 || code === 1006)) {
    const answer = await api("GET", "/me").catch(() => undefined);
    if (answer?.status === 401) {
      localStorage.removeItem(TOKEN);
      token = "";
      return stop("unpaired");
    }
  }
  if (kiosk.dataset.view === "guide" || (kiosk.dataset.view === "result" && performance.now() >= shownUntil)) rest();
  retry = Math.min(retry + 1, 10);
  setTimeout(connect, 500 * retry);
}

/** @param {string} state */
function stop(state) {
  isStopped = true;
  at("keys").hidden = true;
  endDisown();
  result(state, { stays: true });
}

/** @param {string} method @param {string} path @param {object} [body] */
function api(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  return fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body), credentials: "omit" });
}

// PIN and QR code

/** The states of the answers to PINs and codes. */
const OUTCOMES = { accepted: "in", duplicate: "duplicate", refused: "refused" };

/** An identification is being sent: a second tap is no second sighting. */
let isIdentifying = false;

/**
 * Sends an identification, or keeps it if there is no answer. Returns the name of the error if it is wrong.
 *
 * @param {object} identification
 * @returns {Promise<string | undefined>}
 */
async function identify(identification) {
  if (isIdentifying) return undefined;
  isIdentifying = true;
  try {
    const now = new Date().toISOString();
    const sighting = { boot, sequence: sequence++, at: now, identification };
    const answer = await api("POST", "/sightings", { ...sighting, sent: now }).catch(() => undefined);
    const content = await answer?.json().catch(() => undefined);
    if (!answer || answer.status >= 500 || !content) {
      await keep(sighting);
      await showWaiting();
      result("kept");
      return undefined;
    }
    if (!answer.ok) return String(content.code).replaceAll("_", "-");
    const outcome = content.outcome === "accepted" && content.direction === "out" ? "out" : OUTCOMES[content.outcome];
    mark({ state: outcome, ...content }, false);
  } catch {
    // It could not be kept, so the person has to know.
    result("failed");
    tone([220]);
  } finally {
    isIdentifying = false;
  }
  return undefined;
}

let isFlushing = false;

/** Sends what waits. */
async function sendWaiting() {
  if (isFlushing) return;
  isFlushing = true;
  try {
    await flush(async (sighting) => {
      const answer = await api("POST", "/sightings", { ...sighting, sent: new Date().toISOString() });
      if (answer.status >= 500 || answer.status === 429 || answer.status === 401) throw new Error(String(answer.status));
      if (!answer.ok) lost += 1;
    }, () => {
      lost += 1;
    });
  } catch {
    // The next connection tries again.
  } finally {
    isFlushing = false;
  }
  await showWaiting();
}

async function showWaiting() {
  const waiting = await count().catch(() => 0);
  const text = waiting > 0 ? textOf("waiting").word.replace("#", waiting) : lost > 0 ? textOf("lost").word.replace("#", lost) : "";
  setText("waiting", text);
  at("waiting").hidden = text === "";
}

let touched = 0;

/** @param {string} which */
function openForm(which) {
  touched = performance.now();
  endDisown();
  for (const form of ["pin-form", "badge-form"]) /** @type {HTMLFormElement} */ (at(form)).reset();
  at("pin-error").hidden = at("badge-error").hidden = true;
  scanning?.();
  shownUntil = 0;
  if (which === "face") {
    kiosk.dataset.view = "result";
    rest();
  } else if (which === "pin") {
    view("pin");
    field("number").focus();
  } else {
    view("badge");
    field("code").focus();
    scan();
  }
}

at("keys").addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  if (button?.dataset.open) openForm(button.dataset.open);
});

/** The field that the digits go to. */
let typed = field("number");
for (const id of ["number", "pin"]) {
  field(id).addEventListener("focus", () => {
    typed = field(id);
  });
}

at("pad").addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  if (!button) return;
  touched = performance.now();
  if (button.dataset.digit) typed.value += button.dataset.digit;
  if ("delete" in button.dataset) typed.value = typed.value.slice(0, -1);
  if (button.type === "button") typed.focus();
});

addEventListener("keydown", () => {
  touched = performance.now();
});

at("pin-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [number, pin] = [field("number").value.trim(), field("pin").value];
  if (!number || !pin) return field(number ? "pin" : "number").focus();
  const error = await identify({ method: "pin", number, pin });
  field("pin").value = "";
  if (error) refuse("pin-error", error, "pin");
});

at("badge-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (field("code").value.trim()) badge(field("code").value.trim());
});

/** @param {string} code */
async function badge(code) {
  scanning?.();
  const error = await identify({ method: "badge", code });
  field("code").value = "";
  if (error) refuse("badge-error", error, "code");
}

/** @param {string} id @param {string} error @param {string} focus */
function refuse(id, error, focus) {
  const { word, more } = textOf(error);
  at(id).textContent = more ? `${word}: ${more}` : word;
  at(id).hidden = false;
  field(focus).focus();
  tone([220]);
}

/** Ends the search for a QR code in the camera's picture. @type {(() => void) | undefined} */
let scanning;

/** Looks for a QR code in the camera's picture: in the browser where it can, else by the server. */
async function scan() {
  if (!camera.srcObject) return;
  badgeCamera.srcObject = camera.srcObject;
  badgeCamera.hidden = false;
  let timer = 0;
  scanning = () => {
    clearInterval(timer);
    lookFor("face");
    badgeCamera.srcObject = null;
    badgeCamera.hidden = true;
    scanning = undefined;
  };
  const end = scanning;
  await badgeCamera.play().catch(() => {});
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  const formats = Detector ? await Detector.getSupportedFormats() : [];
  if (scanning !== end) return;
  if (!formats.includes("qr_code")) return lookFor("badge");
  const detector = new Detector({ formats: ["qr_code"] });
  timer = setInterval(async () => {
    const [found] = await detector.detect(badgeCamera).catch(() => []);
    if (found && scanning === end) badge(found.rawValue);
  }, 200);
}

/** The server looks for a face or a badge in the next frames. @param {"face" | "badge"} subject */
function lookFor(subject) {
  if (subject === lookedFor) return;
  lookedFor = subject;
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "look", for: subject }));
}

kiosk.addEventListener("click", async (event) => {
  if (!disownable || !(/** @type {Element} */ (event.target).closest("[data-disown-button]"))) return;
  const sighting = disownable;
  endDisown();
  const answer = await api("POST", `/sightings/${sighting}/disown`).catch(() => undefined);
  if (!answer?.ok) return result("failed");
  openForm("pin");
  at("pin-error").textContent = textOf("not-me").more;
  at("pin-error").hidden = false;
});

// Start

/**
 * Gets the token for the code of a pairing link. Then the code is removed from the address; if the server does not answer, the
 * code stays for the next load of the page.
 */
async function pair() {
  const code = new URLSearchParams(location.hash.slice(1)).get("pair");
  if (!code) return;
  token = "";
  const answer = await api("POST", "/pairing", { code });
  if (answer.status >= 500 || answer.status === 429) return stop("failed");
  history.replaceState(null, "", location.pathname);
  if (!answer.ok) return stop("wrong-link");
  token = (await answer.json()).token;
  localStorage.setItem(TOKEN, token);
}

async function start() {
  setText("place", localStorage.getItem(PLACE) ?? "");
  result("connecting", { stays: true });
  tick();
  setInterval(tick, 1000);
  await pair().catch(() => stop("failed"));
  if (isStopped) return;
  if (!token) return stop("unpaired");
  setInterval(sendFrame, PACE);
  setInterval(() => {
    const isForm = kiosk.dataset.view === "pin" || kiosk.dataset.view === "badge";
    if (isForm && performance.now() - touched > FORGOTTEN) openForm("face");
  }, 1000);
  await showWaiting();
  connect();
  if (!navigator.onLine) closed(0);
  await navigator.serviceWorker?.register("/kiosk-worker.js", { scope: "/kiosk" }).catch(() => {});
  await openCamera();
  // The screen of a door stays on.
  await /** @type {any} */ (navigator).wakeLock?.request("screen").catch(() => {});
}

start();
