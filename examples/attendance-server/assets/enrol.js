// @ts-check
// The guided camera of the page Enrol: five poses. The server judges each frame; the page shows its hint and keeps the frames
// that can be taken. They are sent as the photos of the form. Without a camera or this script, photos are chosen as files.

/** The time between two frames, in milliseconds. */
const PAUSE = 250;

const stage = document.querySelector("[data-camera]");
const form = document.getElementById("enrol-form");
const input = document.getElementById("photo");
if (
  stage instanceof HTMLElement &&
  form instanceof HTMLFormElement &&
  input instanceof HTMLInputElement
) {
  guide(stage, form, input);
}

/**
 * @param {HTMLElement} stage
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 */
function guide(stage, form, input) {
  const start = /** @type {HTMLButtonElement} */ (stage.querySelector("[data-start]"));
  const video = /** @type {HTMLVideoElement} */ (stage.querySelector("video"));
  const say = /** @type {HTMLElement} */ (stage.querySelector("[data-say]"));
  const poses = /** @type {HTMLElement[]} */ ([...stage.querySelectorAll("[data-pose]")]);
  const canvas = document.createElement("canvas");
  /** The yaw and the pitch of the head that looks ahead. */
  let front = [0, 0];

  /** @param {string} code */
  const hint = (code) => {
    const text = stage.querySelector(`[data-hint="${code}"]`)?.textContent ?? "";
    // A screen reader hears a hint once, not four times a second.
    if (say.textContent !== text) say.textContent = text;
  };

  /** @returns {Promise<Blob | null>} */
  const frame = () => {
    const scale = Math.min(1, 1280 / video.videoWidth);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  };

  start.addEventListener("click", async () => {
    start.disabled = true;
    /** @type {MediaStream | undefined} */
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
      });
      video.srcObject = stream;
      await video.play();
      const photos = new DataTransfer();
      front = [0, 0];
      for (const pose of poses) {
        pose.setAttribute("aria-current", "step");
        photos.items.add(await taken(pose.dataset.pose ?? "front", photos.items.length));
        pose.removeAttribute("aria-current");
        pose.dataset.done = "";
      }
      input.files = photos.files;
      form.requestSubmit();
    } catch (error) {
      console.warn(error);
      hint("no_camera");
      start.disabled = false;
    } finally {
      for (const track of stream?.getTracks() ?? []) track.stop();
    }
  });

  /**
   * Waits for a frame with the pose that the server takes.
   *
   * @param {string} pose
   * @param {number} number
   * @returns {Promise<File>}
   */
  async function taken(pose, number) {
    for (;;) {
      const picture = await frame();
      if (picture) {
        const answer = await fetch(`${form.getAttribute("action")}/look?pose=${pose}&yaw=${front[0]}&pitch=${front[1]}`, {
          method: "POST",
          headers: { "content-type": "image/jpeg" },
          body: picture,
        });
        // While recognition has too much to do, the next frame is tried.
        if (answer.ok) {
          const { ready, code, head } = await answer.json();
          hint(code);
          if (ready && pose === "front") front = head;
          if (ready) return new File([picture], `${number}-${pose}.jpg`, { type: "image/jpeg" });
        } else if (answer.status !== 503) {
          throw new Error(`look: ${answer.status}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}
