// The command line: reached by F9 or "/" from anywhere, also while a call is open; "?" shows the keys.
// Pages may catch "karuna:command" ({act: "open" | "new" | "choose", call_id, option}) and prevent the default way.
import { newKey, post } from "./base.js";
import { watchCalls } from "./call.js";

const form = document.getElementById("command-line");
const line = document.getElementById("command");
const said = document.getElementById("command-said");
const found = document.getElementById("command-found");
const keys = document.getElementById("keys");
const before = [];
let back = null;

const typing = (element) => element?.matches?.("input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable]");
const tell = (tone, text) => { said.textContent = text; said.className = tone; };

function focusLine() {
  if (document.activeElement !== line) back = document.activeElement;
  line.focus();
  line.select();
}
function leave() {
  found.hidden = true;
  if (back?.isConnected) back.focus(); else line.blur();
}
export const showKeys = () => { if (!keys.open) keys.showModal(); };

function heard(detail) {
  const event = new CustomEvent("karuna:command", { detail, cancelable: true });
  return !document.dispatchEvent(event);
}

const ACTS = {
  keys: showKeys,
  new: () => { if (!heard({ act: "new" })) location.assign("/desk"); },
  open: ({ call_id }) => { if (!heard({ act: "open", call_id })) location.assign(`/desk/calls/${call_id}`); },
  found: ({ html }) => {
    found.innerHTML = html;
    found.hidden = false;
    for (const option of found.querySelectorAll('[role="option"]')) {
      option.setAttribute("role", "button");
      option.removeAttribute("aria-selected");
      option.tabIndex = 0;
    }
    found.querySelector('[role="button"]')?.focus();
  },
};

function choose(option) {
  found.hidden = true;
  if (heard({ act: "choose", option })) return;
  location.assign(option.dataset.call ? `/desk/calls/${option.dataset.call}` : `/people/${option.dataset.person}`);
}
found.addEventListener("click", (event) => { const option = event.target.closest('[role="button"]'); if (option) choose(option); });
found.addEventListener("keydown", (event) => {
  const option = event.target.closest('[role="button"]');
  if (!option) return;
  const all = [...found.querySelectorAll('[role="button"]')];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { event.preventDefault(); all[(all.indexOf(option) + step + all.length) % all.length].focus(); }
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(option); }
  if (event.key === "Escape") { event.preventDefault(); found.hidden = true; line.focus(); }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = line.value.trim();
  if (!text) return;
  before.push(text);
  line.setAttribute("aria-busy", "true");
  try {
    const answer = await post(form.dataset.url, { text }, { key: newKey() });
    tell(answer.tone, answer.text);
    line.value = "";
    ACTS[answer.act]?.(answer);
    if (!answer.act && answer.call_id) document.dispatchEvent(new CustomEvent("karuna:changed", { detail: answer }));
  } catch (problem) {
    tell("bad", problem.problem?.text ?? problem.problem?.sentence ?? document.getElementById("banners").dataset.offline);
    line.select();
  } finally {
    line.removeAttribute("aria-busy");
  }
});
line.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.preventDefault(); leave(); }
  if (event.key === "ArrowUp" && before.length) { event.preventDefault(); line.value = before.at(-1); }
});
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "F9") { event.preventDefault(); focusLine(); return; }
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") { event.preventDefault(); showKeys(); }
  if (event.key === "/" && !/^Digit/.test(event.code)) { // on a Thai keyboard the 2 is one
    event.preventDefault();
    focusLine();
  }
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-keys]")) showKeys(); });
watchCalls(); // wherever commands are, a call may be open
