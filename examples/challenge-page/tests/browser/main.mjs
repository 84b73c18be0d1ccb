// The page of a challenge in Chromium: each view on a desk and on a phone, in English and German, light and dark, by keyboard, and
// before fake cameras.
//
// Usage: node main.mjs PROGRAM [FOLDER]. Screenshots are written to the folder, if there is one.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { picture } from "../../../attendance-server/tests/browser/camera.mjs";
import { DESK, NARROW, PHONE, check, launch, open } from "../../../attendance-server/tests/browser/checks.mjs";
import { run } from "../../../attendance-server/tests/browser/server.mjs";

const [program, shots] = process.argv.slice(2);
if (!program) throw new Error("usage: node main.mjs PROGRAM [FOLDER]");

const TIMEOUT = 40_000;
const problems = [];
if (shots) await mkdir(shots, { recursive: true });

for (const [name, part] of Object.entries({ views, keyboard, noCamera, stopped, stalled, attempts, passed })) {
  const start = Date.now();
  const server = await run(program, ["--listen", "127.0.0.1:0", "--no-liveness"]);
  try {
    await part(server.address);
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  } finally {
    await server.stop();
  }
  console.log(`challenge, ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "no problems" : `${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

async function shoot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `challenge-${name}.png`) });
}

function view(page, name) {
  return page.locator(`#challenge[data-view="${name}"]`).waitFor({ timeout: TIMEOUT });
}

/** The first view and the dialog, in each size, language and theme. */
async function views(address) {
  const browser = await launch();
  try {
    for (const [size, viewport] of Object.entries({ desk: DESK, phone: PHONE, narrow: NARROW })) {
      for (const [locale, colorScheme] of [["en-GB", "light"], ["de-DE", "dark"]]) {
        const name = `${size}-${locale.slice(0, 2)}-${colorScheme}`;
        const page = await open(browser, viewport, { locale, colorScheme }, problems);
        await page.goto(address);
        await check(page, `start, ${name}`, problems);
        await shoot(page, `start-${name}`);
        await page.locator('[data-part="start"] [data-help]').click();
        await check(page, `another way, ${name}`, problems);
        await shoot(page, `ways-${name}`);
        await page.context().close();
      }
    }
  } finally {
    await browser.close();
  }
}

/** Another way by the keyboard alone. */
async function keyboard(address) {
  const browser = await launch();
  try {
    const page = await open(browser, DESK, { locale: "en-GB", reducedMotion: "reduce" }, problems);
    await page.goto(address);
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    const press = async (key, expected) => {
      await page.keyboard.press(key);
      const found = await focused();
      if (found !== expected) problems.push(`keyboard: ${key} leads to “${found}”, not to “${expected}”`);
    };
    await press("Tab", "Start the camera");
    await press("Tab", "I cannot turn my head or see the dot");
    await press("Enter", "Enter a PIN");
    await press("Tab", "Show a QR code");
    await page.keyboard.press("Enter");
    await page.getByText("Your program goes on with this way.").waitFor();
    await press("Escape", "I cannot turn my head or see the dot");
    if (await page.locator("#ways").isVisible()) problems.push("keyboard: Escape does not close the dialog");
    const moves = await page.locator(".dot").evaluate((dot) => parseFloat(getComputedStyle(dot).transitionDuration));
    if (moves > 0) problems.push("the dot glides although the reader wants less motion");
  } finally {
    await browser.close();
  }
}

/** The camera may not be used. */
async function noCamera(address) {
  const browser = await launch();
  try {
    const page = await open(browser, PHONE, { locale: "en-GB" }, problems);
    await page.goto(address);
    await page.getByRole("button", { name: "Start the camera" }).click();
    await page.getByText("The camera cannot be used").waitFor();
    await check(page, "no camera", problems);
    await page.getByRole("button", { name: "Another way" }).click();
    await page.getByText("If you cannot turn your head or see the dot").waitFor();
  } finally {
    await browser.close();
  }
}

/** A run that is stopped uses up no attempt, and a camera that is refused later does not take over the page. */
async function stopped(address) {
  const browser = await launch();
  try {
    const page = await open(browser, DESK, { locale: "en-GB" }, problems);
    const requests = [];
    page.on("request", (request) => request.method() === "POST" && requests.push(request.url()));
    await page.addInitScript(() => {
      let asked = 0;
      navigator.mediaDevices.getUserMedia = async () => {
        asked += 1;
        const isRefused = asked === 1;
        await new Promise((resolve) => setTimeout(resolve, 500));
        if (isRefused) throw new DOMException("refused", "NotAllowedError");
        return document.createElement("canvas").captureStream();
      };
    });
    await page.goto(address);
    for (const name of ["refused", "allowed"]) {
      await page.getByRole("button", { name: "Start the camera" }).click();
      await view(page, "run");
      await page.getByRole("button", { name: "Stop" }).click();
      await page.waitForTimeout(1000);
      const shown = await page.locator("#challenge").getAttribute("data-view");
      if (shown !== "start") problems.push(`stopped, ${name}: the view is ${shown}`);
    }
    if (requests.length > 0) problems.push(`stopped: ${requests}`);
  } finally {
    await browser.close();
  }
}

/** A camera that sends one picture and no more ends the challenge, and the program forgets it. */
async function stalled(address) {
  const browser = await launch();
  try {
    const page = await open(browser, DESK, { locale: "en-GB" }, problems);
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").fillRect(0, 0, 100, 100);
        return canvas.captureStream();
      };
    });
    await page.goto(address);
    const forgotten = page.waitForRequest((request) => request.method() === "DELETE", { timeout: TIMEOUT });
    await page.getByRole("button", { name: "Start the camera" }).click();
    await page.getByText("The camera sends no pictures any more").waitFor({ timeout: TIMEOUT });
    const answer = await (await forgotten).response();
    if (answer?.status() !== 204) problems.push(`stalled: the program answers ${answer?.status()}`);
    await check(page, "a camera that stalls", problems, { shift: false });
  } finally {
    await browser.close();
  }
}

/** Somebody who does not follow the dot fails three times, and then has no attempt left. */
async function attempts(address) {
  const photo = `data:image/jpeg;base64,${(await picture("people/Dana/1.jpg")).toString("base64")}`;
  const browser = await launch();
  try {
    const page = await open(browser, DESK, { locale: "en-GB" }, problems);
    await page.addInitScript(stillCamera, photo);
    await page.goto(address);
    await page.getByRole("button", { name: "Start the camera" }).click();
    let begun = 0;
    for (const attempt of [1, 2, 3]) {
      await view(page, "run");
      await page.locator("#say", { hasText: "." }).waitFor();
      if (attempt === 1) {
        await page.locator("#challenge[data-begun]").waitFor({ timeout: TIMEOUT }).catch(() => {});
        await check(page, "a challenge that goes on", problems, { shift: false });
        await shoot(page, "run-desk");
        await page.setViewportSize(PHONE);
        await shoot(page, "run-phone");
      }
      await view(page, "result");
      if ((await page.locator("#challenge[data-begun]").count()) > 0) begun += 1;
      if (attempt === 1) await page.setViewportSize(DESK);
      const [title, reason, line] = await Promise.all(["result", "reason", "attempt"].map((id) => page.locator(`#${id}`).innerText()));
      if (title !== "Not passed" || line !== `Attempt ${attempt} of 3`) problems.push(`attempt ${attempt}: ${title}, ${reason}, ${line}`);
      if (reason.startsWith("reason-")) problems.push(`attempt ${attempt}: no text for ${reason}`);
      console.log(`attempt ${attempt}: ${reason}`);
      await check(page, `attempt ${attempt}`, problems, { shift: false });
      if (attempt === 1) await shoot(page, "failed-desk");
      const again = page.getByRole("button", { name: "Try again" });
      if (attempt < 3) await again.click();
      else if (await again.isVisible()) problems.push("a fourth attempt is offered");
    }
    if (begun === 0) problems.push("attempts: the face was not found in any of them");
    await shoot(page, "over-desk");
    // Another load of the page does not give a fourth attempt.
    await page.goto(address);
    await page.getByRole("button", { name: "Start the camera" }).click();
    await page.getByText("Your three attempts in ten minutes are used").waitFor({ timeout: TIMEOUT });
    const refused = (problem) => problem.includes("/challenges: 429") || problem.includes("status of 429");
    problems.splice(0, problems.length, ...problems.filter((problem) => !refused(problem)));
    await check(page, "no attempts left", problems, { shift: false });
  } finally {
    await browser.close();
  }
}

/** Replaces the camera of a page by a photo that is held before it. No frame is like another one, as with a real camera. */
function stillCamera(source) {
  navigator.mediaDevices.getUserMedia = async () => {
    const photo = new Image();
    photo.src = source;
    await photo.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const context = canvas.getContext("2d");
    const height = 420;
    const width = (photo.width / photo.height) * height;
    const draw = () => {
      const time = performance.now() / 1000;
      context.fillStyle = "#b8b4ac";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(photo, 320 - width / 2 + 3 * Math.sin(time), 60 + 2 * Math.sin(1.7 * time), width, height);
      for (let dot = 0; dot < 400; dot += 1) {
        context.fillStyle = `rgb(${200 * Math.random()} 120 120 / 0.08)`;
        context.fillRect(640 * Math.random(), 480 * Math.random(), 3, 3);
      }
    };
    draw();
    const stream = canvas.captureStream(20);
    const timer = setInterval(() => (stream.active ? draw() : clearInterval(timer)), 50);
    return stream;
  };
}

/** The prompts and the pass as the page draws them. The answers are made up here: the requests have tests of their own. */
async function passed(address) {
  const browser = await launch(["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]);
  try {
    for (const [size, viewport, locale, colorScheme] of [["desk", DESK, "en-GB", "light"], ["phone", PHONE, "de-DE", "dark"]]) {
      const page = await open(browser, viewport, { locale, colorScheme }, problems);
      let answer = {};
      await page.route("**/frames", (route) => route.fulfill({ json: answer }));
      const ask = (dot, number) => {
        answer = { outcome: "undecided", prompt: { key: `challenge-look-${dot}`, dot, number, moves: 4, begun: true } };
      };
      ask("middle", 0);
      await page.goto(address);
      await page.locator('[data-part="start"] [data-start]').click();
      for (const [dot, number] of [["left", 1], ["right", 2]]) {
        ask(dot, number);
        await page.locator(`#challenge[data-dot="${dot}"]`).waitFor({ timeout: TIMEOUT });
        await page.waitForTimeout(400);
        const middle = await page.locator(".dot").evaluate((element) => {
          const box = element.getBoundingClientRect();
          return (box.left + box.right) / 2 / innerWidth;
        });
        if (dot === "left" ? middle > 0.2 : middle < 0.8) problems.push(`${size}: the dot for ${dot} is at ${middle}`);
        await check(page, `move ${number}, ${size}`, problems, { shift: false });
        await shoot(page, `move-${dot}-${size}`);
      }
      answer = { ...answer, outcome: "passed", reasons: [] };
      await view(page, "result");
      await check(page, `passed, ${size}`, problems, { shift: false });
      await shoot(page, `passed-${size}`);
      if (await page.locator("[data-again]").isVisible()) problems.push("passed: another attempt is offered");
      await page.context().close();
    }
  } finally {
    await browser.close();
  }
}
