// Keys, live refresh, copying, light and dark. Everything else is HTML: without this script the pages work as well.
"use strict";
const root = document.documentElement;
root.classList.add("script");
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Light and dark: a cookie, so that the server already sends the page right.
function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
}

// Live: ask every second whether anything has changed; then ask for this page once more.
let mark = null;
let isTouched = false;
let isWaiting = false;
let restsUntil = 0;
const isLive = () => localStorage.getItem("live") !== "off";

function showLive() {
  find("#live").setAttribute("aria-pressed", String(isLive()));
}

function switchLive() {
  localStorage.setItem("live", isLive() ? "off" : "on");
  showLive();
}

// A page that somebody is reading waits: scrolled, with a selection, something unfolded, typed or focused inside.
function isBusy() {
  const focused = document.activeElement;
  const types = focused && focused.matches("input, textarea, select");
  return isTouched || types || scrollY > 40 || String(getSelection()) !== "" || all("dialog[open]").length > 0;
}

async function look() {
  try {
    if (isLive() && !document.hidden && find("#main").hasAttribute("data-live")) {
      const answer = await fetch("/mark", { signal: AbortSignal.timeout(3000) }).catch(() => null);
      find("#lost").textContent = answer?.ok ? "" : answer?.status === 403 ? "needs the new link" : "disconnected";
      if (answer?.ok) {
        const now = await answer.text();
        isWaiting = isWaiting || (mark !== null && now !== mark);
        mark = now;
        if (isWaiting && isBusy()) find("#newer").hidden = false;
        else if (isWaiting && performance.now() >= restsUntil) await renew();
      }
    }
  } catch { /* The server has ended in the middle of an answer: the next second tells. */ }
  setTimeout(look, 1000);
}

// Put what an address shows into the place of what is shown; scroll and focus stay where they are.
async function show(address) {
  const answer = await fetch(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = find("#main", page);
  if (!next) return;
  document.title = page.title;
  const focused = document.activeElement?.closest("[data-id]")?.dataset.id;
  const height = scrollY;
  find("#main").replaceWith(document.adoptNode(next));
  // Chromium would follow something of the old page that the new one has elsewhere.
  scrollTo(scrollX, height);
  isTouched = false;
  if (focused) find(`[data-id="${CSS.escape(focused)}"] .row-link`)?.focus({ preventScroll: true });
}

async function renew() {
  find("#newer").hidden = true;
  const started = performance.now();
  const known = new Set(all("[data-id]").map((row) => row.dataset.id));
  await show(location.href);
  isWaiting = false;
  if (known.size) for (const row of all("[data-id]")) row.classList.toggle("is-new", !known.has(row.dataset.id));
  // A page that takes long is renewed less often: beside a busy recorder, a tenth of the time at most.
  restsUntil = performance.now() + 10 * (performance.now() - started);
}

async function copy(link) {
  const label = link.textContent;
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    link.textContent = "Copied";
  } catch {
    link.textContent = "Not copied";
  }
  setTimeout(() => { link.textContent = label; }, 1500);
}

// Keys
const rows = () => all("#main .row-link, #main [data-row]").filter((row) => row.getClientRects().length);

function move(step) {
  const list = rows();
  const at = list.indexOf(document.activeElement.closest(".row-link, [data-row]"));
  const next = list[Math.min(Math.max(at + step, 0), list.length - 1)];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

function follow(selector) {
  const link = find(selector);
  if (link) location.assign(link.href);
}

let isAfterG = false;
const keys = {
  j: () => move(1),
  k: () => move(-1),
  u: () => follow("#main [rel=up]"),
  "[": () => follow("#main [rel=prev]"),
  "]": () => follow("#main [rel=next]"),
  "/": () => (find("#main input[type=search]") ? find("#main input[type=search]").select() : location.assign("/calls")),
  l: switchLive,
  d: switchTheme,
  Escape: () => find("#main [data-close]")?.click(),
  "?": () => find("#keys").showModal(),
};

addEventListener("keydown", (event) => {
  const types = event.target.matches("input, textarea, select");
  if (types && event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form?.requestSubmit();
  if (types && event.key === "Escape") event.target.blur();
  if (types || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (isAfterG) {
    isAfterG = false;
    follow(`.nav [data-key="${CSS.escape(event.key)}"]`);
  } else if (event.key === "g") {
    isAfterG = true;
    setTimeout(() => { isAfterG = false; }, 1500);
  } else if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

addEventListener("click", (event) => {
  if (event.target.closest("#main summary")) isTouched = true;
  const link = event.target.closest("[data-copy]");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    copy(link);
  }
  // A step of a trace is shown beside the tree, without leaving it.
  const step = event.target.closest("[data-beside]");
  if (step && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    history.pushState(null, "", step.href);
    show(step.href);
  }
});
addEventListener("popstate", () => show(location.href));

addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submits]");
  if (form && event.target.matches("select")) form.requestSubmit();
});

// Empty fields need not stand in the address.
addEventListener("submit", (event) => {
  if (event.target.method === "get") for (const field of event.target.elements) field.disabled ||= field.value === "";
});
addEventListener("pageshow", () => all("form :disabled").forEach((field) => { field.disabled = false; }));

addEventListener("DOMContentLoaded", () => {
  find("#theme").addEventListener("click", switchTheme);
  find("#live").addEventListener("click", switchLive);
  find("#help").addEventListener("click", keys["?"]);
  find("#newer").addEventListener("click", () => { scrollTo(0, 0); renew(); });
  showLive();
  look();
});
