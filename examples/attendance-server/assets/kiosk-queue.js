// @ts-check
// PINs and QR codes that wait for the connection. They are encrypted with a key that the browser does not give away, so that
// nobody reads them in the files of the tablet.

/** @typedef {{ boot: string, sequence: number, at: string, identification: object }} Sighting */

const STORE = "sightings";

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("kiosk", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { autoIncrement: true });
      request.result.createObjectStore("keys");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBDatabase} database */
async function sealingKey(database) {
  const known = await done(database.transaction("keys").objectStore("keys").get("sealing"));
  if (known) return known;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await done(database.transaction("keys", "readwrite").objectStore("keys").put(key, "sealing"));
  return key;
}

/**
 * Keeps a sighting.
 *
 * @param {Sighting} sighting
 */
export async function keep(sighting) {
  const database = await open();
  const key = await sealingKey(database);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const text = new TextEncoder().encode(JSON.stringify(sighting));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text);
  await done(database.transaction(STORE, "readwrite").objectStore(STORE).add({ iv, sealed }));
  database.close();
}

/** The number of sightings that wait. */
export async function count() {
  const database = await open();
  const waiting = await done(database.transaction(STORE).objectStore(STORE).count());
  database.close();
  return waiting;
}

/**
 * Sends what waits, the oldest first, until `send` fails. A sighting that is sent is removed.
 *
 * @param {(sighting: Sighting) => Promise<void>} send
 */
export async function flush(send) {
  const database = await open();
  const key = await sealingKey(database);
  const store = () => database.transaction(STORE, "readwrite").objectStore(STORE);
  for (const id of await done(store().getAllKeys())) {
    const { iv, sealed } = await done(store().get(id));
    const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
    await send(JSON.parse(new TextDecoder().decode(text)));
    await done(store().delete(id));
  }
  database.close();
}
