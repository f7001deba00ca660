// The call desk: one sheet, keyboard first, kept as it is typed.
import { Trouble, data, newKey, now, setServerTime } from "./base.js";
import { combobox } from "./combobox.js";
import { finding } from "./desk-find.js";
import { isAway, keep, keeper, forget, reason, send } from "./desk-kept.js";
import { leaving, savedAt } from "./desk-left.js";
import { others } from "./desk-others.js";
import { phone } from "./desk-phone.js";
import { openMap, place } from "./desk-place.js";
import { draftPlace, readDraft, setAside } from "./desk-tab.js";
import { triage } from "./desk-triage.js";
import { clearErrors, collect, fill, showErrors } from "./sheet.js";

const words = data("desk-words");
const lang = document.documentElement.lang;
const form = document.getElementById("sheet");
const at = (id) => document.getElementById(id);
const DRAFTS = `karuna.draft.${form.dataset.login}.`;
const FRESH_MS = 10 * 60_000;
setServerTime(form.dataset.now);

let draft = { key: newKey(), received_at: null, provisional: null };
let busy = false;
let ours = null; // where this tab keeps its draft: known a moment later, and the keys do not wait for it
let begun = false; // what was typed or cleared before that is this call's, and no older draft's

// --- the sheet, kept as it is typed -----------------------------------------------

const asked = triage({
  place: at("questions"), judged: at("judged"), words,
  sheet: () => collect(form), onDone: () => at("take").focus(), onChange: save,
});
const sheet = () => {
  const answers = asked.answers();
  return { ...collect(form), ...(Object.keys(answers).length ? { answers } : {}) };
};
const isEmpty = (told) => Object.keys(told).every((name) => name === "kind");
let saving = 0;

const asDraft = (told) => ({ ...draft, sheet: told, saved_at: new Date(now()).toISOString() });

function save() {
  begun = true;
  clearTimeout(saving);
  saving = setTimeout(store, 150);
}

function store() {
  if (!ours) return;
  const told = sheet();
  if (isEmpty(told)) { localStorage.removeItem(ours); desks.ends(draft.key); }
  else { localStorage.setItem(ours, JSON.stringify(asDraft(told))); desks.writes(draft.key); }
  at("saved").textContent = isEmpty(told) ? "" : words.saved;
}

/** This tab's own draft comes back where it is of this moment; an older one is offered, as those of other tabs are. */
async function restore() {
  ours = await draftPlace(DRAFTS);
  const stored = readDraft(ours);
  if (stored && !begun && now() - Date.parse(stored.saved_at) < FRESH_MS) bring(stored);
  else {
    if (stored?.sheet) setAside(DRAFTS, stored);
    store();
  }
  left.show();
}

function bring(stored) {
  load(stored);
  desks.writes(stored.key, Date.parse(stored.saved_at) || now());
  at("saved").textContent = words.restored.replace("{at}", savedAt(stored, lang));
}

function load({ key, received_at = null, provisional = null, asked: before = false, sheet: told }) {
  draft = { key, received_at, provisional, asked: before };
  const last = Math.max(0, ...Object.keys(told).map((name) => Number(/^patients\.(\d+)/.exec(name)?.[1] ?? 0)));
  while (document.querySelectorAll("#patients [data-patient]").length <= last) addPatient();
  fill(form, told);
  showGroup(told["triage.criteria_group"] ?? "");
  showBarriers();
  rings();
  asked.set(told.answers ?? {});
}

function clear() {
  begun = true;
  desks.ends(draft.key);
  draft = { key: newKey(), received_at: null, provisional: null };
  form.reset();
  clearErrors(form);
  at("sheet-problems").replaceChildren();
  at("person-card").replaceChildren();
  form.querySelector("[data-place-said]").textContent = "";
  for (const each of document.querySelectorAll("#patients [data-patient]")) if (each !== document.querySelector("#patients [data-patient]")) each.remove();
  for (const each of form.querySelectorAll("details[open]")) each.open = false;
  showGroup("");
  showBarriers();
  asked.clear();
  if (ours) localStorage.removeItem(ours);
  at("saved").textContent = "";
}

form.addEventListener("input", save);
form.addEventListener("change", (event) => {
  save();
  if (event.target.name === "kind") { asked.show(); asked.judge(); }
  if (event.target.name === "barriers") showBarriers();
  if (["lane", "complaint"].includes(event.target.name) || /born$/.test(event.target.name)) asked.judge();
});

function showBarriers() {
  for (const line of document.querySelectorAll("[data-barrier]")) {
    line.hidden = !form.querySelector(`[name="barriers"][value="${line.dataset.barrier}"]`).checked;
  }
}

const find = at("find");
const rings = phone(form);
const people = finding({ form, save: () => { save(); rings(); } });
const desks = others({ words, onAnswer: people.look });

// --- criteria group ------------------------------------------------------------------

const group = at("group");
const groups = combobox(group, at("groups"), { onChoose: chooseGroup, onEnter: () => { if (!asked.focus()) at("take").focus(); } });
const thaiWords = globalThis.Intl?.Segmenter ? new Intl.Segmenter("th", { granularity: "word" }) : null;
/** How well a group answers what was typed: its number, a word that begins so, or anywhere; null: not at all. */
function rankOf(option, text) {
  if (option.dataset.code === text) return 0;
  if (/^\d+$/.test(text)) return null;
  const label = option.textContent.toLowerCase();
  const words = thaiWords ? [...thaiWords.segment(label)] : [];
  const closes = (word) => word.endsWith(text) && word.length - text.length > 1; // some browsers' ทรวงอก is one word
  if (words.some(({ index, segment }) => label.startsWith(text, index) || closes(segment))) return 1; // อก: not in เลือด|ออก
  return label.includes(text) ? 2 : null;
}
group.addEventListener("input", () => {
  const text = group.value.trim().toLowerCase().replace(/[๐-๙]/g, (digit) => digit.charCodeAt(0) - 0xe50);
  const ranked = [...at("groups").children].map((option) => [option, text ? rankOf(option, text) : 0]);
  const best = Math.min(...ranked.map(([, rank]) => rank ?? 9));
  for (const [option, rank] of ranked.sort(([one, a], [other, b]) => (a ?? 9) - (b ?? 9) || one.dataset.code - other.dataset.code)) {
    option.hidden = rank === null || (best === 1 && rank === 2);
    at("groups").append(option);
  }
  if (!text) { at("group-code").value = ""; asked.show(); asked.judge(); save(); }
  groups.show({ markFirst: Boolean(text) });
});
function chooseGroup(option) {
  showGroup(option.dataset.code);
  asked.show();
  asked.judge();
  save();
  if (!asked.focus()) at("take").focus();
}
function showGroup(code) {
  at("group-code").value = code;
  const option = code ? at(`group-${code}`) : null;
  group.value = option ? option.textContent.replace(/\s+/g, " ").trim() : "";
}

// --- patients --------------------------------------------------------------------------

function addPatient() {
  const number = document.querySelectorAll("#patients [data-patient]").length;
  const holder = document.createElement("div");
  holder.append(at("patient-template").content.cloneNode(true));
  holder.innerHTML = holder.innerHTML.replaceAll("patients.1.", `patients.${number}.`).replaceAll(/"p1-/g, `"p${number}-`);
  holder.querySelector("[data-patient-number]").textContent = number + 1;
  at("patients").append(...holder.childNodes);
  return at(`p${number}-name`);
}
at("add-patient").addEventListener("click", () => { addPatient().focus(); save(); });
at("patients").addEventListener("click", (event) => {
  if (!event.target.closest("[data-remove-patient]")) return;
  const told = sheet();
  const gone = [...document.querySelectorAll("#patients [data-patient]")].indexOf(event.target.closest("[data-patient]"));
  const kept = {};
  for (const [name, value] of Object.entries(told)) {
    const [, number, rest] = /^patients\.(\d+)\.(.*)$/.exec(name) ?? [];
    if (number === undefined) kept[name] = value;
    else if (Number(number) !== gone) kept[`patients.${Number(number) - (Number(number) > gone)}.${rest}`] = value;
  }
  const same = { ...draft };
  const card = [...at("person-card").childNodes];
  clear();
  load({ ...same, sheet: kept });
  at("person-card").append(...card);
  at("add-patient").focus();
  save();
});

// --- place and map -----------------------------------------------------------------------

const where = place(form, words, { onChange: save });
at("map-part").addEventListener("toggle", () => {
  if (at("map-part").open) openMap(at("map"), at("point"), (lat, lon) => where.set(lat, lon, words.from_map)).catch(() => { at("map").textContent = words.no_map; });
});

// --- taking --------------------------------------------------------------------------------

async function take() {
  if (busy) return;
  busy = true;
  at("take").setAttribute("aria-busy", "true");
  const mine = draft;
  mine.received_at ??= new Date(now()).toISOString();
  await where.looked();
  if (mine !== draft) { rest(); return; } // cleared meanwhile
  const call = { ...draft, login: form.dataset.login, name: form.dataset.name, sheet: sheet() };
  try {
    taken(await send(call), call.sheet);
    if (call.provisional) forget(call.key);
    clear();
  } catch (problem) {
    if (!(problem instanceof Trouble)) throw problem;
    if (isAway(problem)) {
      const stored = keep(call);
      clear();
      const said = reason(problem) === "signed_out" ? words.kept_here_signed_out : words.kept_here;
      note(said.replace("{number}", stored.provisional));
      find.focus();
      waiting.show(problem);
    } else {
      save();
      const asks = problem.problem?.code === "asks"; // once: sent again it is taken as it is
      if (asks) mine.asked = true;
      showErrors(form, problem.problem?.errors ?? [], at("sheet-problems"), lang, asks ? words.asks : words.refused);
    }
  } finally {
    rest();
  }
}

function rest() {
  busy = false;
  at("take").removeAttribute("aria-busy");
}

function note(text) {
  const place_ = at("taken");
  place_.hidden = false;
  place_.replaceChildren(Object.assign(document.createElement("p"), { className: "notice bad", textContent: text }));
  place_.firstChild.setAttribute("role", "alert");
}

function taken(answer, told) {
  const box = at("taken");
  box.hidden = false;
  box.innerHTML = answer.html;
  if (!["location.point", "location.community"].some((name) => told[name])) {
    box.append(Object.assign(document.createElement("p"), { className: "notice warn", textContent: words.taken_no_point }));
  }
  const call = Object.assign(document.createElement("div"), { id: "taken-call" });
  box.append(call);
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "start" });
  window.htmx.ajax("GET", `/desk/calls/${answer.id}`, { target: "#taken-call", swap: "innerHTML" });
}

form.addEventListener("submit", (event) => { event.preventDefault(); take(); });
at("clear").addEventListener("click", () => { if (isEmpty(sheet()) || confirm(words.clear_sure)) { clear(); find.focus(); } });

const waiting = keeper({
  login: form.dataset.login, words,
  onCorrect: (call) => {
    clear();
    load({ ...call, asked: true }); // the caller is gone
    showErrors(form, call.errors, at("sheet-problems"), lang, words.refused);
    save();
  },
  onSent: (answer, call) => {
    const line = document.createElement("p");
    line.className = "notice good";
    line.setAttribute("role", "status");
    line.append(words.kept_sent.replace("{kept}", call.provisional), " ");
    line.append(Object.assign(document.createElement("a"), { href: `/desk/calls/${answer.id}`, textContent: answer.number }));
    at("kept").after(line);
  },
});

const left = leaving({
  prefix: DRAFTS, own: () => ours, words, lang,
  onOpen: (stored) => {
    const told = sheet();
    if (!isEmpty(told)) setAside(DRAFTS, asDraft(told)); // the call at hand waits in its turn
    clear();
    bring(stored);
    store();
    find.focus();
  },
  onDrop: (stored) => desks.over(stored.key),
});

// --- keys ------------------------------------------------------------------------------------------

const open = (id, field) => { at(id).open = true; at(field).focus(); };
const KEYS = {
  F2: take,
  "Ctrl Enter": take,
  F4: desks.next,
  F8: () => at("taken").querySelector("[data-order]")?.focus(),
  "Alt KeyA": () => open("appointment-part", "on"),
  "Alt KeyP": () => at("add-patient").click(),
  "Alt KeyM": () => { at("map-part").open = !at("map-part").open; at("point").focus(); },
  "Alt KeyN": () => open("more-part", "lane"),
  "Alt KeyC": () => at("clear").click(),
};
document.addEventListener("keydown", (event) => {
  const name = event.altKey && !event.ctrlKey ? `Alt ${event.code}` : event.ctrlKey ? `Ctrl ${event.key}` : event.key;
  const act = KEYS[name];
  if (act && !document.querySelector("dialog[open]")) { event.preventDefault(); act(); }
});
// Enter goes on to what is asked next; Shift+Enter is a new line.
const FIELDS = "input:not([type=hidden]), select, textarea";
function following(field) {
  const shown = [...form.querySelectorAll(FIELDS)].filter((each) => each.checkVisibility());
  return shown[shown.indexOf(field) + 1] ?? at("take");
}
const NEXT = { place: "complaint", complaint: "group", phone: "caller", caller: "place" };
form.addEventListener("keydown", (event) => {
  const next = NEXT[event.target.id];
  if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.isComposing) return;
  if (event.target.tagName === "BUTTON" || event.target.tagName === "SUMMARY") return;
  if (event.target.tagName === "TEXTAREA" && !next) return;
  if (event.target.getAttribute("role") === "combobox") return;
  event.preventDefault();
  (next ? at(next) : following(event.target)).focus();
});
document.addEventListener("karuna:command", (event) => {
  const { act } = event.detail;
  if (act === "new") { event.preventDefault(); find.focus(); }
  if (act === "choose") { event.preventDefault(); people.choose(event.detail.option); }
});
/** The empty sheet stays in this browser, for a reload while the console cannot be reached. */
async function keepPage() {
  await navigator.serviceWorker.register("/desk/worker.js", { scope: "/desk" });
  const ready = await navigator.serviceWorker.ready;
  const made = performance.getEntriesByType("resource").map((each) => each.name).filter((name) => name.includes("/static/"));
  navigator.serviceWorker.onmessage = () => { document.documentElement.dataset.kept = "yes"; };
  ready.active?.postMessage(["/desk", ...made]);
}
if (navigator.serviceWorker) keepPage().catch(() => {});

asked.show();
showBarriers();
asked.judge();
restore();
