// Pictures for fake cameras, drawn in Chromium from the project's own pictures: visitors who move, heads that turn, prints in a hand.
// The same scene gives the same pictures.

import { launch } from "./checks.mjs";

/** A studio draws so many pictures for each second of a scene. */
export const PICTURES = 10;

/** A photo with a face: the point between the eyes and the distance of the eyes, in pixels. */
export const DANA = { photo: "people/Dana/1.jpg", x: 165, y: 134, eyes: 52 };

/** Opens a studio. */
export async function openStudio() {
  const browser = await launch();
  const page = await browser.newPage();
  await page.evaluate(tools);
  /** Runs a function in the page. Buffers become images; the pictures that it returns become buffers. */
  const draw = async (kind, options) => {
    const sent = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, Buffer.isBuffer(value) ? { image: value.toString("base64") } : value])
    );
    const pictures = await page.evaluate(([kind, options]) => window.studio(kind, options), [kind, sent]);
    return pictures.map((picture) => Buffer.from(picture, "base64"));
  };
  return {
    /**
     * Somebody who stands before the camera and sways a little. The photos have the noise of a camera; `grain` adds more, as its
     * standard deviation in levels of 0 to 255.
     *
     * @param {Buffer} photo
     * @param {{ seconds: number, zoom?: number, seed?: number, grain?: number, mark?: number }} options `mark` is a number from 0 to
     *   255 in the corner
     */
    visitor: (photo, options) => draw("visitor", { photo, ...options }),
    /** The empty place before a visitor's wall. */
    empty: (photo, options) => draw("empty", { photo, ...options }),
    /** A head that is turned, in degrees: to the right of the picture, and up. */
    head: (photo, face, yaw, pitch) => draw("head", { photo, face, yaw, pitch }),
    /** A print on paper that a hand moves, tilts and turns before an entrance. */
    print: (photo, place, options) => draw("print", { photo, place, ...options }),
    /** A photo of a print or a screen, which moves before an entrance. */
    attack: (photo, place, options) => draw("attack", { photo, place, ...options }),
    close: () => browser.close(),
  };
}

/** The tools of the page. */
function tools() {
  const [WIDTH, HEIGHT] = [640, 480];

  /** Random numbers from 0 to 1 (mulberry32). */
  const random = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };

  const surface = (width = WIDTH, height = HEIGHT) => {
    const canvas = new OffscreenCanvas(width, height);
    return canvas.getContext("2d", { willReadFrequently: true });
  };

  const base64 = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = "";
    for (let start = 0; start < bytes.length; start += 8192) text += String.fromCharCode(...bytes.subarray(start, start + 8192));
    return btoa(text);
  };

  /** The picture that a camera makes: grain, a number in the corner, and JPEG. */
  const exposed = async (context, noise, { grain = 0, mark }) => {
    if (grain > 0) {
      const picture = context.getImageData(0, 0, WIDTH, HEIGHT);
      const { data } = picture;
      for (let index = 0; index < data.length; index += 4) {
        // The variance of the sum of two random numbers from 0 to 1 is one sixth.
        const added = (noise() + noise() - 1) * Math.sqrt(6) * grain;
        data[index] += added;
        data[index + 1] += added;
        data[index + 2] += added;
      }
      context.putImageData(picture, 0, 0);
    }
    if (mark !== undefined) {
      for (let bit = 0; bit < 8; bit += 1) {
        context.fillStyle = (mark >> bit) & 1 ? "#fff" : "#000";
        context.fillRect(bit * 16, 0, 16, 16);
      }
    }
    return base64(await context.canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 }));
  };

  /** The wall of a photo: the column at its left, over the whole picture. */
  const wall = (context, photo) => {
    context.filter = "blur(12px)";
    context.drawImage(photo, 0, 0, 6, photo.height * 0.6, -40, -40, WIDTH + 80, HEIGHT + 80);
    context.filter = "none";
  };

  /** A photo whose upper edges are lost in its wall. */
  const cut = (photo) => {
    const context = surface(photo.width, photo.height);
    context.drawImage(photo, 0, 0);
    context.globalCompositeOperation = "destination-out";
    const edge = Math.round(photo.width * 0.13);
    for (const [x, y, toX, toY] of [[0, 0, edge, 0], [photo.width, 0, photo.width - edge, 0], [0, 0, 0, edge]]) {
      const fade = context.createLinearGradient(x, y, toX, toY);
      fade.addColorStop(0, "#000");
      fade.addColorStop(1, "transparent");
      context.fillStyle = fade;
      context.fillRect(0, 0, photo.width, photo.height * (toX ? 0.8 : 1));
    }
    return context.canvas;
  };

  /** A photo before its wall. Its lower edge is that of the picture. */
  const place = (context, photo, { x = 0, y = 0, zoom = 1, turn = 0 }) => {
    wall(context, photo);
    const scale = (zoom * 400) / photo.height;
    context.save();
    context.translate(WIDTH / 2 + x, HEIGHT + y);
    context.rotate(turn);
    context.drawImage(cut(photo), (-photo.width / 2) * scale, -photo.height * scale + 10, photo.width * scale, photo.height * scale);
    context.restore();
  };

  const PER_SECOND = 10;

  /** The pictures of a scene: `paint(context, seconds)` for each. */
  const scene = async (seconds, options, paint) => {
    const noise = random(options.seed ?? 1);
    const context = surface();
    const pictures = [];
    for (let count = 0; count < seconds * PER_SECOND; count += 1) {
      paint(context, count / PER_SECOND);
      pictures.push(await exposed(context, noise, options));
    }
    return pictures;
  };

  const visitor = ({ photo, seconds, zoom = 1, ...options }) => {
    const start = random(options.seed ?? 1)() * 6;
    return scene(seconds, options, (context, at) => {
      const time = start + at;
      const x = 9 * Math.sin(time * 1.9) + 4 * Math.sin(time * 4.3);
      const turn = 0.02 * Math.sin(time * 1.3);
      place(context, photo, { x, y: 3 + 3 * Math.sin(time * 2.7), zoom: zoom * (1 + 0.02 * Math.sin(time * 1.1)), turn });
    });
  };

  const empty = ({ photo, seconds, ...options }) => scene(seconds, options, (context) => wall(context, photo));

  /** The depth of a head, in distances of the eyes, at a point from between the eyes: a paraboloid. */
  const depth = (x, y) => 1.1 * Math.max(0, 1 - (x / 1.25) ** 2 - ((y - 0.35) / 1.75) ** 2);

  const head = ({ photo, face, yaw, pitch }) => {
    const flat = surface();
    place(flat, photo, { zoom: 1.1 });
    const scale = (1.1 * 400) / photo.height;
    const [x0, y0] = [WIDTH / 2 + (face.x - photo.width / 2) * scale, HEIGHT + 10 + (face.y - photo.height) * scale];
    const unit = face.eyes * scale;
    const [sine, cosine] = [Math.sin((yaw * Math.PI) / 180), Math.cos((yaw * Math.PI) / 180)];
    const [rise, level] = [Math.sin((pitch * Math.PI) / 180), Math.cos((pitch * Math.PI) / 180)];
    const from = flat.getImageData(0, 0, WIDTH, HEIGHT).data;
    return scene(0.1, {}, (context) => {
      const to = context.createImageData(WIDTH, HEIGHT);
      for (let row = 0; row < HEIGHT; row += 1) {
        for (let column = 0; column < WIDTH; column += 1) {
          const [u, v] = [(column - x0) / unit, (row - y0) / unit];
          // The point of the head that is seen here: it moved by its depth. The turn ends where the head does.
          let [x, y] = [u, v];
          for (let round = 0; round < 12; round += 1) {
            const z = depth(x, y);
            const part = Math.min(1, z / 0.3);
            x = x + 0.6 * (u - z * sine - x * (1 + part * (cosine - 1)));
            y = y + 0.6 * (v + z * rise - y * (1 + part * (level - 1)));
          }
          const left = Math.max(0, Math.min(WIDTH - 1.001, x0 + x * unit));
          const top = Math.max(0, Math.min(HEIGHT - 1.001, y0 + y * unit));
          const [l, t] = [Math.floor(left), Math.floor(top)];
          const [right, below] = [left - l, top - t];
          for (let channel = 0; channel < 4; channel += 1) {
            const at = (dx, dy) => from[((t + dy) * WIDTH + l + dx) * 4 + channel];
            const above = at(0, 0) * (1 - right) + at(1, 0) * right;
            const under = at(0, 1) * (1 - right) + at(1, 1) * right;
            to.data[(row * WIDTH + column) * 4 + channel] = above * (1 - below) + under * below;
          }
        }
      }
      context.putImageData(to, 0, 0);
    });
  };

  /** The way of a hand that moves a print: nearer and farther, to the sides, tilted and turned. */
  const move = (context, at, middle) => {
    context.translate(middle.x + 55 * Math.sin(at * 0.9) + 12 * Math.sin(at * 3.1), middle.y + 24 * Math.sin(at * 1.3));
    context.rotate(0.16 * Math.sin(at * 0.7));
    const near = 1 + 0.22 * Math.sin(at * 0.47);
    // Tilted to a side, it is narrower and slants.
    context.transform(near * (1 - 0.16 * Math.sin(at * 1.1) ** 2), 0.05 * Math.sin(at * 1.1), 0.05 * Math.sin(at * 0.8), near, 0, 0);
  };

  const print = ({ photo, place: behind, seconds, size = 300 }) => {
    const scale = size / photo.height;
    const [width, height] = [photo.width * scale, size];
    return scene(seconds, {}, (context, at) => {
      context.drawImage(behind, 0, 0, WIDTH, HEIGHT);
      context.save();
      move(context, at, { x: WIDTH / 2, y: HEIGHT / 2 });
      context.fillStyle = "#eceae4";
      context.fillRect(-width / 2 - 14, -height / 2 - 14, width + 28, height + 28);
      // Ink on paper: less contrast, and the light of the room on it.
      context.filter = "contrast(0.82) saturate(0.8) brightness(1.06)";
      context.drawImage(photo, -width / 2, -height / 2, width, height);
      context.filter = "none";
      const light = context.createLinearGradient(-width / 2, -height / 2, width / 2, height / 2);
      light.addColorStop(0, "rgb(255 255 255 / 0.18)");
      light.addColorStop(0.5 + 0.3 * Math.sin(at), "rgb(255 255 255 / 0.02)");
      light.addColorStop(1, "rgb(0 0 0 / 0.08)");
      context.fillStyle = light;
      context.fillRect(-width / 2 - 14, -height / 2 - 14, width + 28, height + 28);
      context.restore();
    });
  };

  const attack = ({ photo, place: behind, seconds }) => {
    const scale = (1.1 * HEIGHT) / photo.height;
    return scene(seconds, {}, (context, at) => {
      context.drawImage(behind, 0, 0, WIDTH, HEIGHT);
      context.save();
      move(context, at, { x: WIDTH / 2, y: 0.55 * HEIGHT });
      context.drawImage(photo, (-photo.width / 2) * scale, (-photo.height / 2) * scale, photo.width * scale, photo.height * scale);
      context.restore();
    });
  };

  const kinds = { visitor, empty, head, print, attack };
  window.studio = async (kind, options) => {
    for (const [name, value] of Object.entries(options)) {
      if (!value?.image) continue;
      const blob = await (await fetch(`data:image/jpeg;base64,${value.image}`)).blob();
      options[name] = await createImageBitmap(blob);
    }
    return kinds[kind](options);
  };
}
