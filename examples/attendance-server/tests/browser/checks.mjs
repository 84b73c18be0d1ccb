// The checks that each page must pass, on a desk and on a phone.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// The folder in which npm installed the packages.
const require = createRequire(`${process.env.NODE_TOOLS ?? "."}/`);
const { chromium } = require("playwright-core");
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");

export const DESK = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
export const NARROW = { width: 320, height: 640 };

/** Starts Chromium, with further flags, or a program that starts it. */
export function launch(flags = [], program = process.env.CHROMIUM) {
  return chromium.launch({
    executablePath: program,
    args: ["--no-sandbox", "--disable-gpu", ...flags],
  });
}

/** A context whose pages report each console error, each exception and each failed request to `problems`. */
export async function open(browser, viewport, options, problems) {
  const phone = viewport.width < 800;
  const context = await browser.newContext({ viewport, hasTouch: phone, isMobile: phone, ...options });
  await context.addInitScript(() => {
    window.shift = { sum: 0, of: new Set() };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        window.shift.sum += entry.value;
        for (const { node } of entry.sources) window.shift.of.add(`${node?.nodeName} ${node?.id || node?.className || node?.textContent}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`${page.url()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${page.url()}: exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    // A page that is left stops loading its icon.
    const left = request.failure()?.errorText === "net::ERR_ABORTED";
    if (!left) problems.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
  });
  return page;
}

/** Checks the page that is open: rules of axe, layout shift, width, targets, inline styles, and messages that are missing. */
export async function check(page, name, problems, { rules = true, shift = true } = {}) {
  const report = (text) => problems.push(`${name}: ${text}`);
  await page.waitForLoadState("load");
  const facts = await page.evaluate(() => {
    const root = document.documentElement;
    const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const targets = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    const small = [];
    const covered = [];
    for (const element of document.querySelectorAll(targets)) {
      if (!visible(element)) continue;
      const inline = element.matches("p a, dd a, td a, li p a, small a");
      // A box to tick counts with its label.
      const area = element.closest("label") ?? element;
      const box = area.getBoundingClientRect();
      if (box.width === 0 || (box.bottom <= 0 && getComputedStyle(element).position === "fixed")) continue;
      const label = (element.getAttribute("aria-label") ?? element.textContent ?? element.id).trim().slice(0, 40);
      const scrolls = element.matches("[tabindex='0']");
      if (!inline && !scrolls && (box.height < 43.5 || (box.width < 43.5))) {
        small.push(`${element.tagName} "${label}" ${Math.round(box.width)}×${Math.round(box.height)}`);
      }
      const toast = document.querySelector(".toast");
      if (toast && !toast.contains(element)) {
        const other = toast.getBoundingClientRect();
        const apart = box.right <= other.left || box.left >= other.right || box.bottom <= other.top || box.top >= other.bottom;
        if (!apart) covered.push(label);
      }
    }
    const wide = [];
    if (root.scrollWidth > root.clientWidth) {
      for (const element of document.body.querySelectorAll("*")) {
        const box = element.getBoundingClientRect();
        if (box.right > root.clientWidth + 1 && visible(element) && !element.closest(".scroll, .year-scroll, .tabs")) {
          wide.push(`${element.tagName}.${element.getAttribute("class") ?? ""} ${Math.round(box.right)}`);
        }
      }
    }
    const keys = /^[a-z]+(-[a-z]+)+$/;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const missing = [];
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent.trim();
      if (keys.test(text) && !walker.currentNode.parentElement.closest("script, textarea, code, bdi")) missing.push(text);
    }
    return {
      shift: window.shift.sum,
      moved: [...window.shift.of].join(", "),
      overflow: root.scrollWidth - root.clientWidth,
      wide: wide.slice(0, 5),
      small,
      covered,
      missing,
      styles: document.querySelectorAll("[style]").length,
      phone: matchMedia("(max-width: 52rem)").matches,
    };
  });
  if (shift && facts.shift > 0) report(`layout shift ${facts.shift.toFixed(4)} of ${facts.moved}`);
  if (facts.overflow > 0) report(`${facts.overflow} px wider than the screen: ${facts.wide.join(", ")}`);
  if (facts.phone) facts.small.forEach((target) => report(`small target: ${target}`));
  facts.covered.forEach((target) => report(`the message covers ${target}`));
  facts.missing.forEach((text) => report(`a message is missing: ${text}`));
  if (facts.styles > 0) report(`${facts.styles} inline styles`);
  if (!rules) return;
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
  );
  for (const violation of found.violations) {
    const places = violation.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.failureSummary?.split("\n")[1]?.trim()})`);
    report(`axe ${violation.id}: ${places.join("; ")}`);
  }
}
