// Rates of a door through the camera of a browser: people of examples/data come one after the other, enrolled ones and strangers, and
// each visit is followed on the screen.
//
// Usage: node visits.mjs PROGRAM. `GRAIN` is further noise of the camera, as its standard deviation in levels of 0 to 255.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PEOPLE, photos } from "./camera.mjs";
import { door, enrol, hire, quicken, setUp } from "./door.mjs";
import { start } from "./server.mjs";
import { openStudio } from "./studio.mjs";

/** The photos for enrolment, and those that come to the door. */
const [ENROLLED, COME] = [[1, 2, 3], [4, 5, 6]];
/** The seconds of a visit, and those after it with nobody there. */
const [VISIT, EMPTY] = [5, 3];

/** The least part of the visits of enrolled people that ends with a mark. */
const LEAST_MARKED = 0.7;

const [program] = process.argv.slice(2);
if (!program) throw new Error("usage: node visits.mjs PROGRAM");
const grain = Number(process.env.GRAIN ?? 0);

const server = await start(program);
const folder = await mkdtemp(join(tmpdir(), "attendance-visits-"));
const studio = await openStudio();
const problems = [];
const sites = [];
try {
  const office = await setUp(server.address);
  const test = { ...office, folder, studio, problems };
  // Half of the people are enrolled at each site, and are strangers at the other one.
  const half = PEOPLE.length / 2;
  const halves = [PEOPLE.slice(0, half), PEOPLE.slice(half)];
  for (const [index, people] of halves.entries()) {
    const site = await quicken(test, index === 0 ? undefined : "Hamburg");
    for (const [number, name] of people.entries()) {
      const person = await hire(test, String(1001 + index * half + number), name, site);
      await enrol(test, person, await photos(name, ENROLLED));
    }
    sites.push(await queue(people, halves[1 - index]));
    sites[index].site = site;
  }
  for (const [index, site] of sites.entries()) await watch(test, site, `Door ${index + 1}`);
} finally {
  await studio.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
report(sites.flatMap((it) => it.visits));
process.exitCode = problems.length > 0 ? 1 : 0;

/** The visits of a site, an enrolled person and a stranger in turn, and their scenes. */
async function queue(enrolled, strangers) {
  const visits = [];
  const [wall] = await photos(enrolled[0], [1]);
  // Before the first visit, the page has time to start.
  const scenes = [[await studio.empty(wall, { seconds: 8, mark: 0 })]];
  for (const number of COME) {
    for (let index = 0; index < enrolled.length; index += 1) {
      for (const [name, isEnrolled] of [[enrolled[index], true], [strangers[index], false]]) {
        const mark = visits.length + 1;
        visits.push({ name, number, isEnrolled, shown: [] });
        const [photo] = await photos(name, [number]);
        // Some stand nearer than others.
        const options = { seed: mark, mark, grain, zoom: 0.85 + ((mark * 7) % 10) / 40 };
        scenes.push([await studio.visitor(photo, { seconds: VISIT, ...options })], [await studio.empty(photo, { seconds: EMPTY, ...options })]);
      }
    }
  }
  return { visits, scenes };
}

/** Follows a door for one round of its visits. */
async function watch(test, { site, visits, scenes }, name) {
  const { browser, page } = await door(test, name, scenes, { site });
  try {
    await page.waitForFunction(() => document.getElementById("camera").videoWidth > 0);
    await page.evaluate(follow);
    const seconds = visits.length * (VISIT + EMPTY);
    await page.waitForFunction((last) => window.visits.done >= last, visits.length, { timeout: 3 * seconds * 1000, polling: 500 });
    const { shown, frames } = await page.evaluate(() => window.visits);
    for (const { visit, ...entry } of shown) visits[visit - 1].shown.push(entry);
    for (const [index, visit] of visits.entries()) visit.frames = frames[index + 1] ?? 0;
  } finally {
    await browser.close();
  }
}

/** Records what the screen shows in each visit, by the number in the corner of the picture. The rounds begin with visit 1. */
function follow() {
  const kiosk = document.getElementById("kiosk");
  const context = new OffscreenCanvas(128, 16).getContext("2d", { willReadFrequently: true });
  const state = { visit: 0, since: 0, done: 0, shown: [], frames: {} };
  window.visits = state;
  const number = () => {
    context.drawImage(document.getElementById("camera"), 0, 0, 128, 16, 0, 0, 128, 16);
    const { data } = context.getImageData(0, 8, 128, 1);
    let found = 0;
    for (let bit = 0; bit < 8; bit += 1) found |= data[(bit * 16 + 8) * 4] > 127 ? 1 << bit : 0;
    return found;
  };
  const text = () => document.getElementById("name").textContent;
  /** After three refusals, faces have to wait. */
  const waits = () => kiosk.dataset.view === "result" && text() === "PIN or QR code";
  setInterval(() => {
    const found = number();
    if (found === state.visit || (state.visit === 0 && found !== 1)) return;
    // After the last visit, the video begins again with 0.
    if (found === 0) state.done = state.visit;
    else if (found > state.visit && found < state.visit + 3) {
      [state.visit, state.since, state.done] = [found, performance.now(), found - 1];
      if (waits()) state.shown.push({ visit: found, look: "waits", name: "", after: 0 });
    }
  }, 20);
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (message) {
    if (message instanceof Blob && state.visit > state.done) state.frames[state.visit] = (state.frames[state.visit] ?? 0) + 1;
    return send.call(this, message);
  };
  let last = "";
  const note = () => {
    const look = waits() || kiosk.dataset.view !== "result" ? "" : kiosk.dataset.look;
    const name = look ? text() : "";
    const entry = `${look} ${name}`;
    if (entry === last) return;
    last = entry;
    if (look && state.visit > state.done) state.shown.push({ visit: state.visit, look, name, after: Math.round(performance.now() - state.since) });
  };
  new MutationObserver(note).observe(kiosk, { attributes: true, subtree: true, childList: true, characterData: true });
}

/** Prints the rates. A name that is wrong is a problem. */
function report(visits) {
  const isMark = ({ look, name }) => ["in", "out", "warn"].includes(look) && PEOPLE.some((person) => name.includes(person));
  const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const counts = (list) => {
    const marks = list.map((visit) => visit.shown.filter(isMark));
    const outcome = ({ shown }) => (shown.find(({ look }) => look !== "waits") ?? shown[0])?.look;
    const first = (look) => list.filter((visit) => outcome(visit) === look).length;
    return {
      visits: list.length,
      marked: marks.filter((found) => found.length > 0).length,
      "first refused as unknown": first("unknown"),
      "first refused as a print": first("stop"),
      "at a door that waits after three refusals": first("waits"),
      "without a result": first(undefined),
      "wrong names": list.filter((visit, index) => marks[index].some((entry) => !visit.isEnrolled || !entry.name.includes(visit.name))).length,
      "median time to a mark, ms": median(marks.flatMap((found) => found.slice(0, 1).map((entry) => entry.after))),
      "median frames, also with nobody there": median(list.map((visit) => visit.frames)),
    };
  };
  for (const visit of visits) {
    const shown = visit.shown.map(({ look, name, after }) => `${look} ${name} (${after} ms)`).join(", ");
    console.log(`${visit.isEnrolled ? "enrolled" : "stranger"} ${visit.name} ${visit.number}, ${visit.frames} frames: ${shown || "nothing"}`);
  }
  const [enrolled, strangers] = [true, false].map((isEnrolled) => counts(visits.filter((visit) => visit.isEnrolled === isEnrolled)));
  console.log(`grain ${grain}`);
  console.table({ enrolled, strangers });
  if (enrolled["wrong names"] + strangers["wrong names"] > 0) problems.push("somebody has a wrong name");
  if (enrolled.marked < LEAST_MARKED * enrolled.visits) problems.push(`only ${enrolled.marked} of ${enrolled.visits} visits of enrolled people are marked`);
  for (const problem of problems) console.error(problem);
}
