// @ts-check
// The page of a challenge. The program judges; this script sends frames, and draws the prompt that is due.

/** The shortest time between two frames, in milliseconds. */
const PACE = 80;
/** The width of a frame, in pixels. */
const WIDTH = 640;
/** The longest time until the first picture of the camera, in milliseconds. */
const OPENED = 8000;
/** The longest time between two pictures of the camera, in milliseconds. */
const STALLED = 1500;
/** The life of a challenge, in milliseconds: a nonce lives for 30 s, and then the next frame gets the verdict. */
const LIFE = 31_000;

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const challenge = at("challenge");
const camera = /** @type {HTMLVideoElement} */ (at("camera"));
const ways = /** @type {HTMLDialogElement} */ (at("ways"));
const canvas = document.createElement("canvas");
/** @type {Record<string, string>} */
const texts = JSON.parse(at("texts").textContent ?? "{}");

/** The number of the run that goes on. An older one ends by itself. */
let current = 0;
/** The camera of the run that goes on. @type {MediaStream | undefined} */
let opened;

/** @param {string} key @param {Record<string, number>} [values] */
function text(key, values = {}) {
  let text = texts[key] ?? key;
  for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, String(value));
  return text;
}

/** A screen reader hears a text once, not ten times a second. @param {string} id @param {string} text */
function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

/**
 * @param {"passed" | "failed" | "over"} look
 * @param {string} title
 * @param {string} reason
 * @param {string} [attempt]
 */
function show(look, title, reason, attempt = "") {
  challenge.dataset.look = look;
  // A screen reader reads the title in the focus, and the texts that describe it.
  at("sign").setAttribute("href", `/icons.svg#i-${look === "passed" ? "present" : "alert"}`);
  say("result", text(title));
  say("reason", text(reason));
  say("attempt", attempt);
  challenge.dataset.view = "result";
  at("result").focus();
}

/** @param {{ key: string, dot: string, number: number, moves: number, begun: boolean }} prompt */
function draw(prompt) {
  challenge.dataset.dot = prompt.dot;
  challenge.toggleAttribute("data-begun", prompt.begun);
  say("say", text(prompt.begun ? prompt.key : "keep-still"));
  say("count", prompt.number > 0 ? text("move", prompt) : "");
}

/** @returns {Promise<Blob | null>} */
function frame() {
  const scale = Math.min(1, WIDTH / camera.videoWidth);
  canvas.width = Math.round(camera.videoWidth * scale);
  canvas.height = Math.round(camera.videoHeight * scale);
  canvas.getContext("2d")?.drawImage(camera, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
}

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Waits for the next picture of the camera: one that is sent twice would count as a recording. False if there is none, because the
 * camera was unplugged or stalls.
 * @param {MediaStream} stream
 * @returns {Promise<boolean>}
 */
function next(stream) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), STALLED);
    const came = () => {
      clearTimeout(timer);
      resolve(true);
    };
    for (const track of stream.getTracks()) track.onended = () => resolve(false);
    if ("requestVideoFrameCallback" in camera) camera.requestVideoFrameCallback(came);
    else setTimeout(came, PACE);
  });
}

/** Ends the run that goes on, and its camera. */
function end() {
  current += 1;
  for (const track of opened?.getTracks() ?? []) track.stop();
  opened = undefined;
}

async function run() {
  end();
  const mine = current;
  /** True if the person stopped this run, or started another one: it changes nothing any more. */
  const isOver = () => mine !== current;
  /** @type {MediaStream | undefined} */
  let stream;
  let id = "";
  let isDecided = false;
  challenge.dataset.view = "run";
  at("title").focus();
  // After the focus, so that a screen reader reads the text of the view.
  await pause(0);
  draw({ key: "", dot: "middle", number: 0, moves: 0, begun: false });
  try {
    try {
      const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ video });
      if (isOver()) return;
      opened = stream;
      camera.srcObject = stream;
      // A camera without pictures never plays.
      const plays = await Promise.race([camera.play().then(() => true), pause(OPENED).then(() => false)]);
      if (!plays) {
        if (!isOver()) show("failed", "failed", "camera-stopped");
        return;
      }
    } catch (error) {
      console.warn(error);
      if (!isOver()) show("failed", "failed", "no-camera");
      return;
    }
    // A run that is over must not use up an attempt.
    if (isOver()) return;
    const signal = AbortSignal.timeout(LIFE);
    const issued = await fetch("/challenges", { method: "POST", signal });
    const { id: given = "", attempt, attempts, error } = await issued.json();
    id = given;
    if (isOver()) return;
    if (!issued.ok) {
      show(error === "attempts" ? "over" : "failed", "failed", error === "attempts" ? "attempts-used" : "busy");
      return;
    }
    while (!isOver()) {
      const begun = performance.now();
      const came = await next(stream);
      if (isOver()) return;
      if (!came) {
        show("failed", "failed", "camera-stopped");
        return;
      }
      const picture = await frame();
      if (isOver()) return;
      const sent = picture && (await fetch(`/challenges/${id}/frames`, { method: "POST", body: picture, signal }));
      const answer = await sent?.json();
      if (isOver()) return;
      if (sent?.ok) {
        const { outcome, prompt, reasons } = answer;
        if (reasons) {
          isDecided = true;
          if (outcome === "passed") show("passed", "passed", "passed-text");
          else {
            const left = { attempt, attempts };
            const look = attempt < attempts ? "failed" : "over";
            show(look, "failed", `reason-${reasons[0]}`, text("attempt", left));
          }
          return;
        }
        draw(prompt);
      } else if (sent?.status === 404) {
        isDecided = true;
        show("failed", "failed", "reason-timed_out");
        return;
      } else if (sent && sent.status !== 400 && sent.status !== 409) {
        show("failed", "failed", "busy");
        return;
      }
      await pause(Math.max(0, PACE - (performance.now() - begun)));
    }
  } catch (error) {
    console.warn(error);
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    if (!isOver()) show("failed", "failed", isLate ? "reason-timed_out" : "no-connection");
  } finally {
    for (const track of stream?.getTracks() ?? []) track.stop();
    // The program forgets the pictures of a challenge that is not decided.
    if (id && !isDecided) fetch(`/challenges/${id}`, { method: "DELETE", keepalive: true }).catch(console.warn);
  }
}

/** Ends the run that goes on, and shows the first view. */
function stop() {
  end();
  challenge.dataset.view = "start";
  at("title").focus();
}

for (const button of document.querySelectorAll("[data-start]")) button.addEventListener("click", run);
for (const button of document.querySelectorAll("[data-stop]")) button.addEventListener("click", stop);
for (const button of document.querySelectorAll("[data-help]")) {
  button.addEventListener("click", () => {
    if (challenge.dataset.view === "run") stop();
    say("way", "");
    ways.showModal();
  });
}
for (const button of document.querySelectorAll("[data-way]")) {
  button.addEventListener("click", () => say("way", at("way").dataset.text ?? ""));
}
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => ways.close());
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && challenge.dataset.view === "run" && !ways.open) stop();
});
