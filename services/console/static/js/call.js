// A call that is open on the page: its trips are read again every few seconds, units are ordered by one key.
import { Trouble, post } from "./base.js";
import { phone } from "./desk-phone.js";
import { place } from "./desk-place.js";
import { collect, showErrors } from "./sheet.js";

const EVERY_MS = 3000;
/** How long a refusal stays before the part is drawn anew. */
const TOLD_MS = 10_000;
const HEADERS = { "hx-request": "true", accept: "text/html" };
let watching = false;

/** Replace a part by its newest state, unless somebody is filling something in there. Focus stays where it was. */
async function refresh(part) {
  const inside = part.contains(document.activeElement) ? document.activeElement : null;
  if (inside?.matches("input, select, textarea") || part.querySelector("details[open] form")) return;
  if (part.querySelector("[role=alert]") && Date.now() - Number(part.dataset.told ?? 0) < TOLD_MS) return;
  const answer = await fetch(part.dataset.poll, { headers: HEADERS }).catch(() => null);
  if (!answer?.ok || !part.isConnected) return;
  const html = await answer.text();
  if (html === part.dataset.last) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  const sentBefore = isSent(part);
  part.innerHTML = html;
  part.dataset.last = html;
  window.htmx.process(part);
  const again = focused ? document.getElementById(focused) : null;
  const ordersTwice = isSent(part) && !sentBefore && again?.matches("[data-order]");
  if (again && !ordersTwice) again.focus();
  else if (focused !== null) led(part);
  arrived(part);
}

const isSent = (part) => part.querySelector("[data-sent]") !== null;

/** What Enter does next: order the first unit; where one is asked already nothing, lest a second one goes by mistake. */
function led(part) {
  if (isSent(part)) part.closest("[tabindex]")?.focus({ preventScroll: true });
  else part.querySelector("[data-order]")?.focus();
}

/** Right after a call was taken, the first unit that could be ordered gets the focus: Enter orders it. */
function arrived(part) {
  const taken = part.closest("#taken");
  if (!taken || taken.dataset.led || !part.querySelector("[data-order]")) return;
  taken.dataset.led = "yes";
  if (document.activeElement === document.body || taken.contains(document.activeElement)) led(part);
}

/** The sheet for correcting: sent as JSON, refused field by field, then the call is shown anew. */
function edit(form) {
  place(form, JSON.parse(form.dataset.words));
  phone(form);
  form.querySelector("[name=complaint]").focus();
  const again = () => window.htmx.ajax("GET", form.dataset.shows, { target: form.dataset.into, swap: "outerHTML" });
  form.querySelector("[data-cancel-edit]").addEventListener("click", again);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await post(form.dataset.edit, { sheet: collect(form) });
      again();
    } catch (problem) {
      if (!(problem instanceof Trouble)) throw problem;
      const said = problem.problem ?? {};
      const errors = said.errors ?? [{ th: said.sentence ?? form.dataset.away, en: said.sentence ?? form.dataset.away }];
      showErrors(form, errors, form.querySelector("[data-problems]"), document.documentElement.lang, form.dataset.title);
    }
  });
}

const all = () => document.querySelectorAll("[data-poll]");
const refreshAll = () => { if (!document.hidden) for (const part of all()) refresh(part); };

/** Begin to watch, once a page. */
export function watchCalls() {
  if (watching) return;
  watching = true;
  setInterval(refreshAll, EVERY_MS);
  document.addEventListener("karuna:changed", refreshAll);
  document.addEventListener("htmx:afterSwap", (event) => {
    const told = event.target.querySelector?.("[role=alert]");
    if (told) {
      event.target.dataset.told = Date.now();
      told.scrollIntoView({ block: "nearest" });
    }
    if (event.target.id === "taken-call") {
      const taken = document.getElementById("taken");
      delete taken.dataset.led;
      if (taken.contains(document.activeElement)) taken.scrollIntoView({ block: "start" }); // now it is tall enough to
    }
    for (const form of event.target.querySelectorAll?.("[data-edit]") ?? []) edit(form);
    for (const part of event.target.querySelectorAll?.("[data-poll]") ?? []) { part.dataset.last = ""; setTimeout(() => refresh(part), 400); arrived(part); }
  });
  document.addEventListener("keydown", (event) => {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? /^[1-9]$/.exec(event.key)?.[0]; // either layout
    if (!digit || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const list = event.target.closest?.(".recommendations");
    const button = list?.querySelectorAll("[data-order]")[Number(digit) - 1];
    if (!button || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    button.click();
  });
}
