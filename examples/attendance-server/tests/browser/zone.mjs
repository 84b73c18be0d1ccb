// A time zone in which it is morning now, so that the tests see the same at each hour: the rules take a first punch for an IN
// in the morning, and for an OUT in the evening.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The hours to add to UTC so that it is between eight and nine, -12 to 11. */
const offset = ((8 - new Date().getUTCHours() + 36) % 24) - 12;

/** The name of the zone. In these names, east of Greenwich is minus. */
export const ZONE = offset === 0 ? "Etc/GMT" : `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;

/** Eight in the morning of a day, as milliseconds since 1970. */
const eight = Math.floor(Date.now() / HOUR) * HOUR;

/** The milliseconds of a time of a day before today, in the zone. */
export function timeOf(back, hour, minute) {
  return eight - back * DAY + (hour - 8) * HOUR + minute * 60_000;
}

/** The weekday in the zone, from 0 for Sunday. */
export function weekdayOf(back) {
  return new Date(timeOf(back, 12, 0) + offset * HOUR).getUTCDay();
}

/** The date of a day before today in the zone, such as 2026-03-02. */
export function dateOf(back) {
  return new Date(timeOf(back, 12, 0) + offset * HOUR).toISOString().slice(0, 10);
}
