// @ts-check
// Keeps the page of a door, so that a tablet that starts without a connection still takes PINs and QR codes.

const CACHE = "kiosk";
const FILES = [
  "/kiosk",
  ...["tokens", "base", "shell", "components", "charts", "pages", "kiosk"].map((sheet) => `/assets/${sheet}.css`),
  ...["page", "kiosk", "kiosk-queue"].map((script) => `/assets/${script}.js`),
  ...["icon", "icons", "chevron"].map((picture) => `/assets/${picture}.svg`),
];

const worker = /** @type {any} */ (self);

worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && FILES.includes(pathname)) event.respondWith(load(request, pathname));
});

/**
 * The newest file, or the one that is kept if there is no connection.
 *
 * @param {Request} request
 * @param {string} pathname
 */
async function load(request, pathname) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(pathname, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(pathname);
    if (kept) return kept;
    throw error;
  }
}
