// Enrolment by the guided camera of the page Enrol, with a head that turns before a fake camera.

import { join } from "node:path";

import { picture, play } from "./camera.mjs";
import { check, launch, open } from "./checks.mjs";
import { LAPTOP, TIMEOUT, hire, quicken, shoot } from "./door.mjs";
import { DANA } from "./studio.mjs";

/** The directions in the order of the page, as a yaw and a pitch of the picture: who turns to the left points to its right. */
const POSES = [[0, 0], [20, 0], [-20, 0], [0, 28], [0, -24]];

/** Consent, five poses with hints, and a report. The person is one of another site, Hamburg, which is `test.hamburg`. */
export async function guided(test) {
  const { problems, studio } = test;
  test.hamburg = await quicken(test, "Hamburg");
  test.dana = await hire(test, "2001", "Dana", test.hamburg);
  const photo = await picture(DANA.photo);
  const scenes = [];
  for (const [yaw, pitch] of POSES) {
    // The head goes a little farther each time.
    for (const part of yaw === 0 && pitch === 0 ? [0] : [0.8, 0.9, 1]) {
      const [head] = await studio.head(photo, DANA, part * yaw, part * pitch);
      scenes.push([head, part === 0 ? 2 : 0.8]);
    }
  }
  const browser = await launch(await play(join(test.folder, "guided.mjpeg"), scenes));
  try {
    const page = await open(browser, LAPTOP, { locale: "en-GB" }, problems);
    await page.context().addCookies([test.cookie]);
    await page.goto(`${test.address}/people/${test.dana}/enrol`);
    await page.getByText("has read this text and agrees").click();
    await page.getByRole("button", { name: "Record consent" }).click();
    await page.waitForURL(/done=consented/);
    await page.evaluate(() => {
      window.said = new Set();
      const say = document.querySelector("[data-say]");
      new MutationObserver(() => window.said.add(say.textContent)).observe(say, { childList: true, characterData: true, subtree: true });
      // The form leaves this page.
      addEventListener("pagehide", () => sessionStorage.setItem("said", JSON.stringify([...window.said])));
    });
    await page.getByRole("button", { name: "Start the camera" }).click();
    await page.locator('.pose[data-pose="left"][aria-current="step"]').waitFor({ timeout: TIMEOUT });
    await check(page, "enrol, guided camera", problems);
    await shoot(test, page, "enrol-camera");
    await page.getByText("photos taken").waitFor({ timeout: 2 * TIMEOUT }).catch(async () => {
      const pose = await page.locator('.pose[aria-current="step"]').getAttribute("data-pose");
      throw new Error(`the camera waits for ${pose}: ${await page.locator("[data-say]").innerText()}`);
    });
    const said = JSON.parse(await page.evaluate(() => sessionStorage.getItem("said")));
    for (const hint of ["Good", "your left", "your right", "Chin up", "Chin down"]) {
      if (!said.some((text) => text.includes(hint))) problems.push(`the guided camera never said “${hint}”: ${said.join(" | ")}`);
    }
    await check(page, "enrol, guided camera, report", problems);
    await shoot(test, page, "enrol-camera-report");
    const report = await page.locator("#report .countline").innerText();
    // A photo that is bent so much looks like somebody else now and then.
    if (!/^[45] of 5/.test(report)) problems.push(`the guided camera: ${await page.locator("#report").innerText()}`);
  } finally {
    await browser.close();
  }
}
