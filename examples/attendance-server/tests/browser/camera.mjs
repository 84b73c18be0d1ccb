// A fake camera that plays frames of examples/data.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const DATA = fileURLToPath(new URL("../../../data/", import.meta.url));

/** Chromium plays so many pictures of a file in a second. */
const RATE = 30;

/** A frame at an entrance. */
export const NOBODY = "frames/2026-03-02T08-30-00.jpg";
export const ARI = "frames/2026-03-02T07-56-12.jpg";
export const STRANGER = "frames/2026-03-02T10-05-48.jpg";
export const TWO = "frames/2026-03-02T08-21-40.jpg";

/** The photos of a person. */
export async function photos(person) {
  return Promise.all([1, 2, 3, 4, 5].map((number) => readFile(`${DATA}people/${person}/${number}.jpg`)));
}

/** Writes a video of scenes, each a picture and its seconds, and returns the flags with which Chromium plays it, over and over. */
export async function play(file, scenes) {
  const pictures = [];
  for (const [picture, seconds] of scenes) {
    const bytes = await readFile(DATA + picture);
    for (let frame = 0; frame < seconds * RATE; frame += 1) pictures.push(bytes);
  }
  await writeFile(file, Buffer.concat(pictures));
  return ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${file}`];
}
