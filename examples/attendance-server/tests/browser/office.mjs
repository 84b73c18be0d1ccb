// The work of the office in the tests, through the API: badges, punches of a week, and corrections of older days.

import { randomUUID } from "node:crypto";

import { timeOf, weekdayOf } from "./zone.mjs";

/** A client of the API with a token. */
export function client(address, token) {
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}` };
    if (body) headers["content-type"] = "application/json";
    if (method === "POST") headers["idempotency-key"] = randomUUID();
    const answer = await fetch(`${address}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
}

/** All people come and go on the last days, and some are in now. The last person has not come today. */
export async function punch(admin, device) {
  const { items: people } = await admin("GET", "/people?limit=100");
  const now = Date.now();
  let sequence = 0;
  const send = (code, at) => {
    const identification = { method: "badge", code };
    const times = { at: new Date(at).toISOString(), sent: new Date().toISOString() };
    return device("POST", "/sightings", { boot: "test", sequence: sequence++, ...times, identification });
  };
  for (const [index, person] of people.entries()) {
    const badge = await admin("POST", `/people/${person.id}/badge`);
    for (let back = 4; back >= 1; back -= 1) {
      const came = timeOf(back, 8, 40 + 5 * index);
      await send(badge.token, came);
      // One OUT is forgotten.
      if (index !== 2 || back !== 2) await send(badge.token, came + 8.4 * 3_600_000);
    }
    if (index < people.length - 1) await send(badge.token, now - (index + 1) * 60_000);
  }
  return people;
}

/** Punches of older days, which somebody adds by hand. */
export async function history(admin, person, days) {
  for (let back = days; back >= 6; back -= 1) {
    if (weekdayOf(back) % 6 === 0 || back % 17 === 0) continue;
    for (const [hour, minute, direction] of [[8, (back * 7) % 60, "in"], [17, (back * 5) % 60, "out"]]) {
      // Now and then an OUT is missing.
      if (direction === "out" && back % 13 === 0) continue;
      const change = { kind: "add", at: new Date(timeOf(back, hour, minute)).toISOString(), direction };
      await admin("POST", "/corrections", { person, reason: "The terminal was not there yet.", change });
    }
  }
}
