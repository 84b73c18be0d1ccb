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

/**
 * The key, which the first use makes. Two first uses at once have the same key: transactions that write follow each other.
 *
 * @param {IDBDatabase} database
 * @returns {Promise<CryptoKey>}
 */
async function sealingKey(database) {
  const known = await done(database.transaction("keys").objectStore("keys").get("sealing"));
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const keys = database.transaction("keys", "readwrite").objectStore("keys");
  const first = await done(keys.get("sealing"));
  if (first) return first;
  await done(keys.add(made, "sealing"));
  return made;
}

/**
 * Runs a task with the database, and closes it.
 *
 * @template T
 * @param {(database: IDBDatabase) => Promise<T>} task
 */
async function use(task) {
  const database = await open();
  try {
    return await task(database);
  } finally {
    database.close();
  }
}

/**
 * Keeps a sighting.
 *
 * @param {Sighting} sighting
 */
export function keep(sighting) {
  return use(async (database) => {
    const key = await sealingKey(database);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const text = new TextEncoder().encode(JSON.stringify(sighting));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text);
    await done(database.transaction(STORE, "readwrite").objectStore(STORE).add({ iv, sealed }));
  });
}

/** The number of sightings that wait. */
export function count() {
  return use((database) => done(database.transaction(STORE).objectStore(STORE).count()));
}

/**
 * Sends what waits, the oldest first, until `send` fails. A sighting that is sent is removed. One that cannot be opened is
 * removed too, and `lose` is called for it, so that it does not hold up those after it.
 *
 * @param {(sighting: Sighting) => Promise<void>} send
 * @param {() => void} lose
 */
export function flush(send, lose) {
  return use(async (database) => {
    const key = await sealingKey(database);
    const store = () => database.transaction(STORE, "readwrite").objectStore(STORE);
    for (const id of await done(store().getAllKeys())) {
      const { iv, sealed } = await done(store().get(id));
      const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed).catch(() => undefined);
      if (text) await send(JSON.parse(new TextDecoder().decode(text)));
      await done(store().delete(id));
      if (!text) lose();
    }
  });
}
