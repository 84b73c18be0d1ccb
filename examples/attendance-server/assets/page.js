// @ts-check
// Behavior of all pages. Each page works without it: links and forms are complete by themselves.

const root = document.documentElement;

// The theme changes at once; the server keeps it in a cookie.
addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches("[data-theme-form]")) return;
  event.preventDefault();
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = dark ? "light" : "dark";
  root.dataset.theme = theme;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) body.set(name, String(value));
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, redirect: "manual" });
});

// Browsers without popovers: the button shows and hides the menu by a class.
if (!("popover" in HTMLElement.prototype)) {
  addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const button = target.closest("[popovertarget]");
    const menu = button && document.getElementById(button.getAttribute("popovertarget") ?? "");
    for (const open of document.querySelectorAll("[popover].open")) {
      if (open !== menu && !open.contains(target)) open.classList.remove("open");
    }
    menu?.classList.toggle("open");
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll("[popover].open")) open.classList.remove("open");
  });
}

// Browsers without command buttons: the same for dialogs.
if (!("command" in HTMLButtonElement.prototype)) {
  addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("button[command][commandfor]");
    if (!button) return;
    const dialog = document.getElementById(button.getAttribute("commandfor") ?? "");
    if (!(dialog instanceof HTMLDialogElement)) return;
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    if (button.getAttribute("command") === "close") dialog.close();
  });
}

// A dialog whose form was refused comes open from the server; it is made modal here.
for (const dialog of document.querySelectorAll("dialog[data-open]")) {
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

/**
 * Loads an address and replaces the elements with these ids by those of the answer. Focus and selection are kept.
 *
 * @param {string} address
 * @param {string[]} ids
 * @param {AbortSignal} [signal]
 * @param {Record<string, string>} [headers]
 */
export async function replace(address, ids, signal, headers) {
  const answer = await fetch(address, { signal, headers: { accept: "text/html", ...headers } });
  if (!answer.ok || answer.redirected) throw new Error(`${address}: ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement;
  for (const id of ids) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (!old || !fresh || old.innerHTML === fresh.innerHTML) continue;
    const inside = focused?.id && old.contains(focused) ? focused.id : undefined;
    old.replaceChildren(...fresh.childNodes);
    if (inside) document.getElementById(inside)?.focus();
  }
}

/**
 * Loads the page again by itself and replaces elements. It is no use of the session: a page that is left open does not keep
 * somebody signed in.
 *
 * @param {string[]} ids
 */
export function refresh(ids) {
  return replace(location.href, ids, undefined, { "x-refresh": "1" });
}

// Printing needs this script; without it, the menu of the browser prints.
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-print]"))) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A form for a filter: its result is replaced while the person types. `data-partial` has the ids to replace.
/** @type {AbortController | undefined} */
let pending;
/** @type {number | undefined} */
let typing;
addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const form = field.form;
  const ids = form?.dataset.partial?.split(" ");
  if (!form || !ids) return;
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const address = new URL(form.action);
    address.search = "";
    for (const [name, value] of new FormData(form)) {
      if (value) address.searchParams.set(name, String(value));
    }
    pending?.abort();
    pending = new AbortController();
    try {
      await replace(address.href, ids, pending.signal);
      history.replaceState(null, "", address);
    } catch (error) {
      // The complete form still works; Enter sends it.
      if (!(error instanceof DOMException)) console.warn(error);
    }
  }, 250);
});

// A form that is sent by choosing a value, such as a date.
addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (field.form?.hasAttribute("data-submit")) field.form.requestSubmit();
});

// Parts of the page that follow the day, such as the list of people on Today: `data-refresh` has the seconds.
for (const element of document.querySelectorAll("[data-refresh]")) {
  const part = /** @type {HTMLElement} */ (element);
  const ids = (part.dataset.parts ?? part.id).split(" ");
  setInterval(() => {
    const idle = document.visibilityState === "visible" && !document.querySelector("dialog[open]");
    if (idle) refresh(ids).catch(() => part.setAttribute("data-stale", ""));
  }, Number(part.dataset.refresh) * 1000);
}

// A secret that is shown once can be copied.
addEventListener("click", async (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  const field = button && document.getElementById(button.getAttribute("data-copy") ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  field.select();
  await navigator.clipboard?.writeText(field.value).catch(() => {});
});
