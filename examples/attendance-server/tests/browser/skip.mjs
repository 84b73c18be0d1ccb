// Parts of the tests that cannot run here.

import { appendFile } from "node:fs/promises";

/** Says that a part is skipped, and why, also in the file of `FACEKIT_SKIP_LOG`. */
export async function skip(name, reason) {
  const line = `SKIP ${name}: ${reason}`;
  console.log(line);
  if (process.env.FACEKIT_SKIP_LOG) await appendFile(process.env.FACEKIT_SKIP_LOG, `${line}\n`);
}
