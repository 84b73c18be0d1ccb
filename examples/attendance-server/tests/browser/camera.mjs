// A fake camera that plays frames of examples/data.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { PICTURES } from "./studio.mjs";

const DATA = fileURLToPath(new URL("../../../data/", import.meta.url));

/** Chromium plays so many pictures of a file in a second. */
const RATE = 30;

/** The people with photos. */
export const PEOPLE = ["Ari", "Bela", "Chi", "Dana", "Eden", "Fern", "Gale", "Hollis", "Indra", "Jules", "Kim", "Lane"];

/** The bytes of a picture of examples/data. */
export function picture(name) {
  return readFile(DATA + name);
}

/** A frame at an entrance. */
export const NOBODY = "frames/2026-03-02T08-30-00.jpg";
export const ARI = "frames/2026-03-02T07-56-12.jpg";
export const STRANGER = "frames/2026-03-02T10-05-48.jpg";
export const TWO = "frames/2026-03-02T08-21-40.jpg";

/** The photos of a person with these numbers. */
export function photos(person, numbers = [1, 2, 3, 4, 5]) {
  return Promise.all(numbers.map((number) => picture(`people/${person}/${number}.jpg`)));
}

/**
 * Writes a video of scenes, and returns the flags with which Chromium plays it, over and over. A scene is a picture and its
 * seconds, or the pictures of a studio.
 */
export async function play(file, scenes) {
  const bytes = [];
  for (const [first, second] of scenes) {
    const pictures = Array.isArray(first) ? first : [Buffer.isBuffer(first) ? first : await picture(first)];
    const times = Array.isArray(first) ? RATE / PICTURES : second * RATE;
    for (const one of pictures) for (let time = 0; time < times; time += 1) bytes.push(one);
  }
  await writeFile(file, bytes);
  return ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${file}`];
}
