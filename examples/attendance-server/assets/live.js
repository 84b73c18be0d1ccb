// @ts-check
// Pages that follow the day: events and the pictures of cameras come over one WebSocket. Without it, pages work as documents.

import { refresh } from "/assets/page.js";

const root = /** @type {HTMLElement} */ (document.querySelector("[data-live]"));
const parts = (root.dataset.parts ?? "").split(" ");
const states = document.getElementById("states");
/** The tiles by device. @type {Map<string, Tile>} */
const tiles = new Map();

/** The first and the longest time before the connection is tried again, in milliseconds. */
const [FIRST_WAIT, LONGEST_WAIT] = [1000, 30_000];
/** A camera without a picture for so long has stopped. */
const STOPPED = 5000;
/** The height of the drawing over a picture, in units. Texts have the same size over each picture. */
const HEIGHT = 480;
/** The height of the name of a camera over its picture, in pixels. */
const BAR = 44;
/** The server ends the connection with this code when nobody is signed in any more. */
const SIGNED_OUT = 1008;

let last = Number(root.dataset.live);
let wait = FIRST_WAIT;
/** @type {WebSocket | undefined} */
let socket;
/** @type {number | undefined} */
let retry;

/** The picture of a camera. */
class Tile {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.figure = figure;
    this.canvas = /** @type {HTMLCanvasElement} */ (figure.querySelector("canvas"));
    this.drawing = /** @type {SVGSVGElement} */ (figure.querySelector("svg.cam-faces"));
    this.state = /** @type {HTMLElement} */ (figure.querySelector("[data-state]"));
    this.time = /** @type {HTMLElement} */ (figure.querySelector("[data-time]"));
    /** @type {number | undefined} */
    this.stopped = undefined;
    /** The number of the newest picture: one that is decoded late is not drawn. */
    this.newest = 0;
    const full = /** @type {HTMLElement} */ (figure.querySelector("[data-full]"));
    full.hidden = !document.fullscreenEnabled;
    full.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen()));
  }

  /**
   * Draws a picture, and then what is in it.
   *
   * @param {{ at: string, width: number | null, height: number | null, faces: Face[], screen: Screen }} header
   * @param {Blob} image
   */
  async draw(header, image) {
    const number = ++this.newest;
    const bitmap = await createImageBitmap(image);
    if (number !== this.newest) return bitmap.close();
    [this.canvas.width, this.canvas.height] = [bitmap.width, bitmap.height];
    this.canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    this.figure.classList.remove("off");
    this.faces(header.faces, header.width ?? bitmap.width, header.height ?? bitmap.height);
    bitmap.close();
    this.say(header.screen);
    this.time.textContent = new Date(header.at).toLocaleTimeString(document.documentElement.lang, { hourCycle: "h23", timeZone: this.figure.dataset.zone });
    clearTimeout(this.stopped);
    this.stopped = setTimeout(() => this.figure.classList.add("off"), STOPPED);
  }

  /**
   * Boxes and names.
   *
   * @param {Face[]} faces
   * @param {number} width
   * @param {number} height
   */
  faces(faces, width, height) {
    const scale = HEIGHT / height;
    const bar = (HEIGHT * BAR) / (this.figure.clientHeight || HEIGHT);
    this.drawing.setAttribute("viewBox", `0 0 ${width * scale} ${HEIGHT}`);
    this.drawing.replaceChildren();
    const names = [];
    for (const face of faces) {
      const [x, y, w, h] = [face.x * scale, face.y * scale, face.width * scale, face.height * scale];
      for (const kind of ["box-bg", `box ${face.outcome}`]) {
        this.add("rect", { class: kind, x, y, width: w, height: h, rx: 12 });
      }
      const text = face.name ?? states?.dataset[face.outcome];
      if (text === undefined) continue;
      names.push(text);
      const back = this.add("rect", { class: `box-label ${face.outcome}`, height: 36, rx: 10 });
      const mark = this.add("svg", { class: `box-mark ${face.outcome}`, width: 24, height: 24, viewBox: "0 0 20 20" });
      const icon = { known: "present", unknown: "unknown", spoof: "spoof" }[face.outcome] ?? "unknown";
      this.add("use", { href: `/assets/icons.svg#i-${icon}` }, mark);
      const label = /** @type {SVGTextElement} */ (this.add("text", { class: "box-text" }));
      label.textContent = text;
      // Above the face, or under it if the name of the camera is there; always within the picture.
      const size = label.getComputedTextLength() + 50;
      const left = Math.max(4, Math.min(x + w / 2 - size / 2, width * scale - size - 4));
      const top = y - 42 > bar ? y - 42 : Math.min(y + h + 6, HEIGHT - 40);
      set(back, { x: left, y: top, width: size });
      set(mark, { x: left + 8, y: top + 6 });
      set(label, { x: left + 38, y: top + 26 });
    }
    const said = names.join(", ") || (states?.dataset.nobody ?? "");
    if (this.drawing.getAttribute("aria-label") !== said) this.drawing.setAttribute("aria-label", said);
  }

  /**
   * Writes the state of the door: a hint, or the result with the name.
   *
   * @param {Screen} screen
   */
  say(screen) {
    const text = /** @type {HTMLElement | null | undefined} */ (states?.querySelector(`[data-state="${screen.state}"]`));
    this.state.hidden = !text;
    if (!text) return;
    this.state.dataset.look = text.dataset.look;
    const said = screen.name ? `${screen.name}: ${text.textContent}` : text.textContent;
    if (this.state.textContent !== said) this.state.textContent = said;
  }

  /**
   * @param {string} name
   * @param {Record<string, string | number>} attributes
   * @param {Element} parent
   */
  add(name, attributes, parent = this.drawing) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    set(element, attributes);
    parent.append(element);
    return element;
  }
}

/**
 * @typedef {{ x: number, y: number, width: number, height: number, outcome: string, name: string | null }} Face
 * @typedef {{ state: string, name?: string | null }} Screen
 */

/**
 * @param {Element} element
 * @param {Record<string, string | number>} attributes
 */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

for (const figure of document.querySelectorAll("[data-device]")) {
  const device = /** @type {HTMLElement} */ (figure);
  tiles.set(device.dataset.device ?? "", new Tile(device));
}

/** Opens the connection, after the last event that this page knows. */
function connect() {
  clearTimeout(retry);
  const address = new URL("/api/v1/live", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("after", String(last));
  if (tiles.size > 0) address.searchParams.set("tiles", "true");
  const opened = new WebSocket(address, "facekit.live.v1");
  opened.binaryType = "arraybuffer";
  opened.addEventListener("open", () => {
    wait = FIRST_WAIT;
    show(true);
  });
  opened.addEventListener("message", ({ data }) => (typeof data === "string" ? events(JSON.parse(data)) : tile(data)));
  opened.addEventListener("close", ({ code }) => {
    if (socket !== opened) return;
    show(false);
    // The server leads to the page for signing in.
    if (code === SIGNED_OUT) return location.reload();
    retry = setTimeout(connect, wait * (0.5 + Math.random() / 2));
    wait = Math.min(2 * wait, LONGEST_WAIT);
  });
  socket = opened;
}

/** A page that nobody sees needs no connection. */
function follow() {
  if (document.visibilityState === "visible") return connect();
  const opened = socket;
  socket = undefined;
  clearTimeout(retry);
  opened?.close();
}

/**
 * Says whether the page follows.
 *
 * @param {boolean} follows
 */
function show(follows) {
  for (const element of document.querySelectorAll(".livetag")) {
    const tag = /** @type {HTMLElement} */ (element);
    tag.toggleAttribute("data-follows", follows);
    tag.hidden = !follows && !tag.querySelector(".still")?.textContent;
  }
}

/** @type {number | undefined} */
let coming;

/**
 * Something has happened: the lists are read again, once for events that come together.
 *
 * @param {{ type: string, last: number }} message
 */
function events(message) {
  if (message.type !== "events") return;
  last = message.last;
  coming ??= setTimeout(() => {
    coming = undefined;
    if (document.querySelector("dialog[open]")) return;
    refresh(parts).catch(() => root.setAttribute("data-stale", ""));
  }, 300);
}

/**
 * A tile: the length of its header, the header, and the picture.
 *
 * @param {ArrayBuffer} data
 */
function tile(data) {
  const length = new DataView(data).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  // A picture that cannot be decoded is left out; the next one comes soon.
  tiles.get(header.device)?.draw(header, new Blob([new Uint8Array(data, 4 + length)])).catch(console.warn);
}

document.addEventListener("visibilitychange", follow);
follow();
