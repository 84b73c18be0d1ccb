// @ts-check
// The page of a challenge. The program judges; this script sends frames, and draws the prompt that is due.

/** The shortest time between two frames, in milliseconds. */
const PACE = 80;
/** The width of a frame, in pixels. */
const WIDTH = 640;

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

/** Waits for the next picture of the camera: one that is sent twice would count as a recording. */
const next = () =>
  "requestVideoFrameCallback" in camera ? new Promise((resolve) => camera.requestVideoFrameCallback(resolve)) : pause(PACE);

async function run() {
  current += 1;
  const mine = current;
  /** @type {MediaStream | undefined} */
  let stream;
  draw({ key: "", dot: "middle", number: 0, moves: 0, begun: false });
  challenge.dataset.view = "run";
  try {
    try {
      const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ video });
      camera.srcObject = stream;
      await camera.play();
    } catch (error) {
      console.warn(error);
      show("failed", "failed", "no-camera");
      return;
    }
    const issued = await fetch("/challenges", { method: "POST" });
    const { id, attempt, attempts, error } = await issued.json();
    if (mine !== current) return;
    if (!issued.ok) {
      show(error === "attempts" ? "over" : "failed", "failed", error === "attempts" ? "attempts-used" : "busy");
      return;
    }
    while (mine === current) {
      const begun = performance.now();
      await next();
      const picture = await frame();
      const sent = picture && (await fetch(`/challenges/${id}/frames`, { method: "POST", body: picture }));
      if (mine !== current) return;
      if (sent?.ok) {
        const { outcome, prompt, verdict } = await sent.json();
        if (verdict) {
          if (outcome === "passed") show("passed", "passed", "passed-text");
          else {
            const left = { attempt, attempts };
            const look = attempt < attempts ? "failed" : "over";
            show(look, "failed", `reason-${verdict.reasons[0]}`, text("attempt", left));
          }
          return;
        }
        draw(prompt);
      } else if (sent && sent.status !== 400 && sent.status !== 409) {
        show("failed", "failed", "busy");
        return;
      }
      await pause(Math.max(0, PACE - (performance.now() - begun)));
    }
  } catch (error) {
    console.warn(error);
    if (mine === current) show("failed", "failed", "no-connection");
  } finally {
    for (const track of stream?.getTracks() ?? []) track.stop();
  }
}

/** Ends the run that goes on. */
function stop() {
  current += 1;
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
