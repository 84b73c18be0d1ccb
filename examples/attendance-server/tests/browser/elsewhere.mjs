// A kiosk on another machine: a network namespace of its own, which reaches the server over HTTPS.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";

import { ARI, NOBODY, photos } from "./camera.mjs";
import { check } from "./checks.mjs";
import { enrol, hire, look, openDoor, pairingPath, setUp, shoot } from "./door.mjs";
import { dataFolder, serve } from "./server.mjs";
import { skip } from "./skip.mjs";

/** The addresses of the two machines. */
const [HERE, THERE] = ["10.203.77.1", "10.203.77.2"];

/** A server with `--tls local`, and a kiosk that opens it from another machine: it trusts the authority, and has a camera. */
export async function elsewhere(program, problems, shots) {
  const name = `attendance-${process.pid}`;
  try {
    machine(name);
  } catch (error) {
    remove(name);
    return skip("kiosk on another machine", `no network namespaces: ${error.message.split("\n").at(-1)}`);
  }
  const data = await dataFolder();
  const test = { folder: data, problems, shots };
  let server = await serve(program, data, ["--listen", "127.0.0.1:0"]);
  try {
    const office = await setUp(server.address);
    const ari = await hire(office, "1001", "Ari");
    await enrol(office, ari, await photos("Ari"));
    const { path } = await pairingPath(office, "Far door");
    await server.stop();
    server = await serve(program, data, ["--listen", `${HERE}:0`, "--tls", "local", "--name", HERE]);
    // The device trusts the authority, and Chromium the key for which the authority vouches.
    const key = await trusted(server.address, await readFile(join(data, "tls", "authority.pem")));
    const wrapper = join(test.folder, "chromium");
    await writeFile(wrapper, `#!/bin/sh\nexec ip netns exec ${name} "${process.env.CHROMIUM}" "$@"\n`, { mode: 0o755 });
    const chromium = { program: wrapper, flags: [`--ignore-certificate-errors-spki-list=${key}`] };
    const scenes = [[NOBODY, 4], [ARI, 6]];
    const { browser, page } = await openDoor(test, "Far door", `${server.address}${path}`, scenes, { chromium });
    try {
      await look(page, ["in"]);
      await shoot(test, page, "kiosk-elsewhere");
      const facts = await page.evaluate(() => ({ secure: isSecureContext, width: document.getElementById("camera").videoWidth }));
      if (!facts.secure || facts.width !== 640) problems.push(`another machine: ${JSON.stringify(facts)}`);
      await check(page, "kiosk on another machine", problems);
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
    remove(name);
    await rm(data, { recursive: true, force: true });
  }
}

function ip(...words) {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
}

/** A network namespace, and a cable to it. */
function machine(name) {
  const [here, there] = [`fk${process.pid}a`, `fk${process.pid}b`];
  ip("netns", "add", name);
  ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name);
  ip("address", "add", `${HERE}/30`, "dev", here);
  // An IPv6 address is there some seconds after its link, and Chromium stops its requests then.
  ip("link", "set", here, "addrgenmode", "none");
  ip("-n", name, "link", "set", there, "addrgenmode", "none");
  ip("link", "set", here, "up");
  ip("-n", name, "address", "add", `${THERE}/30`, "dev", there);
  ip("-n", name, "link", "set", there, "up");
  ip("-n", name, "link", "set", "lo", "up");
}

/** Removes a namespace. Its end of the cable goes with it, and so does the other one. */
function remove(name) {
  try {
    ip("netns", "delete", name);
  } catch {
    // There is none.
  }
}

/** The hash of the server's public key, if the authority vouches for it and for the name. An error if not. */
function trusted(address, authority) {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca: authority }, () => {
      const key = socket.getPeerX509Certificate().publicKey.export({ type: "spki", format: "der" });
      socket.end();
      resolve(createHash("sha256").update(key).digest("base64"));
    });
    socket.once("error", reject);
  });
}
