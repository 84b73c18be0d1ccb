// A server with a data folder of its own, for the tests in a browser.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { ZONE } from "./zone.mjs";

export const SETUP_TOKEN = "a secret of at least twenty characters";

/** An empty folder for data. */
export function dataFolder() {
  return mkdtemp(join(tmpdir(), "attendance-browser-"));
}

/** Starts the program with a data folder of its own, and waits until it listens. The folder goes with it. */
export async function start(program) {
  const data = await dataFolder();
  const server = await serve(program, data, ["--listen", "127.0.0.1:0"]);
  return {
    address: server.address,
    async stop() {
      await server.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Starts the program with a data folder and flags. */
export function serve(program, data, flags) {
  return run(program, ["--data", data, ...flags, "serve", "--setup-token", SETUP_TOKEN]);
}

/** Starts the demo, and waits until it prints its link. */
export function startDemo(program) {
  return run(program, ["--listen", "127.0.0.1:0", "demo"], { TZ: ZONE });
}

/** Runs the program until it says its address. */
export async function run(program, arguments_, environment = {}) {
  const child = spawn(program, arguments_, { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  // Warnings and panics are shown; the line for each request is not.
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (!line.includes("INFO")) console.error(line);
  });
  const lines = createInterface({ input: child.stdout });
  const address = await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    lines.on("line", (line) => {
      const found = line.match(/^(?:Listening on|Open) (\S+)/);
      if (found) resolve(found[1]);
    });
  });
  return {
    address,
    async stop() {
      if (child.exitCode !== null || child.signalCode) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}
