// What every page does: the CSRF token on every request, ages that tick, and a banner while there is no connection.
export const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

export const newKey = () => crypto.randomUUID();

/** Data a template left for a script: `<script type="application/json" id="…">`. */
export function data(id) {
  const block = document.getElementById(id);
  return block ? JSON.parse(block.textContent) : null;
}

/** The answer of a refused request: `problem` is what the server said, or null where nobody answered. */
export class Trouble extends Error {
  constructor(status, problem) {
    super(problem?.sentence ?? `${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** Send JSON to a page of this console. Throws Trouble; status 0 where nobody answered. */
export async function post(url, body = {}, { key = null, method = "POST" } = {}) {
  const headers = { accept: "application/json", "content-type": "application/json", "x-csrf-token": csrf() };
  if (key) headers["idempotency-key"] = key;
  let answer;
  try {
    answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  } catch {
    throw new Trouble(0, null);
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Trouble(answer.status, said);
  return said;
}

/** Text into an element, only where it is another one: what is written again is laid out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** `3:07`, `1:02:07`: how long since an instant, by this machine's clock set right by the server's. */
let skew = 0;
export const setServerTime = (iso) => { skew = Date.parse(iso) - Date.now(); };
export const now = () => Date.now() + skew;
export function age(iso) {
  const seconds = Math.max(0, Math.floor((now() - Date.parse(iso)) / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
export function tick(root = document) {
  for (const each of root.querySelectorAll("[data-since]")) {
    write(each, age(each.dataset.since));
    const late = each.dataset.late && now() - Date.parse(each.dataset.since) > 1000 * Number(each.dataset.late);
    each.classList.toggle("late", Boolean(late));
  }
}
setInterval(tick, 1000);
tick();

// On a phone menu and tabs are wider than the screen: where one is stands in their middle.
for (const here of document.querySelectorAll(".nav > [aria-current], .tabs > [aria-current]")) {
  const row = here.parentElement;
  const [from, to] = [here.getBoundingClientRect(), row.getBoundingClientRect()];
  row.scrollLeft += from.left - to.left - (to.width - from.width) / 2;
}

/** Show or take away a banner. `tone`: "bad", "warn" or "note"; `link`: `{href, text}` behind the words. */
export function banner(id, text, tone = "bad", link = null) {
  const place = document.getElementById("banners");
  let bar = document.getElementById(`banner-${id}`);
  if (!text) { bar?.remove(); return; }
  if (!bar) {
    bar = document.createElement("p");
    bar.id = `banner-${id}`;
    place.append(bar);
  }
  bar.className = `banner banner-${tone}`;
  if (bar.dataset.said === text) return; // a link that is replaced each moment cannot be pressed
  bar.dataset.said = text;
  bar.replaceChildren(text);
  if (link) bar.append(" ", Object.assign(document.createElement("a"), { href: link.href, textContent: link.text }));
}

const offline = () => banner("offline", navigator.onLine ? "" : document.getElementById("banners").dataset.offline);
addEventListener("online", offline);
addEventListener("offline", offline);
offline();

// A part that has just come can be pressed a moment before htmx knows it: a plain submit would leave the page, and what
// was pressed (an order!) would be lost without a word. Told here, before the press does anything: told any later, the
// part may be gone by then. (Enter in a field presses the form's button, so it comes by here, too.)
document.addEventListener("click", (event) => {
  const form = event.target.closest?.("form[hx-post]");
  if (form) window.htmx.process(form);
}, true);
document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = csrf(); });
// htmx shows only answers below 400; a refusal is a sentence the person must read as well.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400 && event.detail.xhr.responseText) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.submit();
});
// A volunteer's page (visits.js) leaves word of what it could not send: whoever signs out, on any page, hears of it.
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/sign-out" || !localStorage.getItem("karuna-unsent")) return;
  if (confirm(document.getElementById("banners").dataset.unsent)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
