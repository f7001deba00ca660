// The board: rows that come and change by themselves, one chosen call, the strip, proposals, keys.
import { banner, csrf, data, newKey, now, post, setServerTime, tick, Trouble, write } from "./base.js";
import { listen } from "./live.js";
import { Sounds } from "./sounds.js";
import { draw, say } from "./rows.js";

const texts = data("board-texts");
const board = document.getElementById("board");
const calls = document.getElementById("call-rows");
const units = document.getElementById("unit-rows");
const strip = document.getElementById("strip");
const proposals = document.getElementById("proposals");
const maySee = Boolean(board.dataset.see);
setServerTime(board.dataset.now);

// --- what only some may see ---------------------------------------------------------------------------------

/** Call → what intake says of it; kept as long as the row stands. */
const known = new Map();
const wanted = new Set();
let asking = null;

function want(id) {
  if (!maySee) return;
  wanted.add(id);
  asking ??= setTimeout(ask, 100 + Math.random() * 150);
}

async function ask() {
  const ids = [...wanted].slice(0, 200);
  ids.forEach((id) => wanted.delete(id));
  try {
    const said = await post("/board/private", { ids });
    banner("private", "");
    for (const [id, told] of Object.entries(said.calls)) learn(id, told);
    guard(ids, said.units);
    settle();
  } catch (problem) {
    if (!(problem instanceof Trouble) || (problem.status && problem.status < 500)) throw problem;
    banner("private", texts.not_known);
    ids.forEach((id) => wanted.add(id));
    await new Promise((later) => setTimeout(later, 4000));
  } finally {
    asking = wanted.size ? setTimeout(ask, 100) : null;
  }
}

/** Units on protected calls → the call: what happens to them is not told openly, so the list is asked for when they leave it. */
const guarded = new Map();

/** `said`: who is on those of these calls that are protected. An answer may come when its call has left the board. */
function guard(ids, said) {
  const there = said.filter((unit) => document.getElementById(`row-${unit.call}`));
  for (const unit of there) { draw.unit(units, unit); guarded.set(unit.id, unit.call); }
  const on = new Set(there.map((unit) => unit.id));
  release((unit, call) => ids.includes(call) && !on.has(unit));
}

function release(done) {
  const free = [...guarded].filter(([unit, call]) => done(unit, call));
  for (const [unit] of free) guarded.delete(unit);
  if (free.length) later(refreshUnits, 800);
}

function learn(id, told) {
  known.set(id, told);
  if (told.html) draw.row(calls, { id, html: told.html });
  reveal(document.getElementById(`row-${id}`));
  map?.call(id, told);
}

function reveal(row) {
  const told = row && known.get(row.dataset.call);
  if (told) say.privately(row, told);
}

// --- what happens ---------------------------------------------------------------------------------------------

function onBoard(said) {
  for (const call of said.calls ?? []) {
    const before = document.getElementById(`row-${call.id}`);
    if (!call.html) { leave(call.id, before); continue; }
    const row = draw.row(calls, call, Boolean(known.get(call.id)?.html));
    row.hidden = tooEarly(row);
    reveal(row);
    if (!known.has(call.id) || call.fresh || "closed" in row.dataset) want(call.id);
    if (!before) row.querySelector(".item").classList.add("new");
    if (call.id === chosen) later(refreshDetail, 400);
  }
  for (const unit of said.units ?? []) {
    if (unit.lent || guarded.has(unit.id) || !draw.unit(units, unit)) later(refreshUnits, 800);
  }
  if (said.look) later(refreshStrip, 250);
  later(settle, 40); // once for all that comes together
}

function leave(id, row) {
  release((_, call) => call === id);
  if (row && "closed" in row.dataset) later(refreshUnits, 800); // nobody has said yet who was on it
  known.delete(id);
  quieted.delete(id);
  map?.call(id, null);
  row?.remove();
}

const waiting = new Map();
/** Once, after a moment, however often it is asked for. */
function later(what, ms) {
  if (waiting.has(what)) return;
  waiting.set(what, setTimeout(async () => {
    waiting.delete(what);
    try { await what(); } catch (problem) { if (problem.status !== 0) console.warn(problem.message); }
  }, ms + Math.random() * ms / 2));
}

let stripHtml = null;
let told = new Set([...strip.querySelectorAll("[data-alarm]")].map((alarm) => alarm.dataset.alarm));
/** The strip as the server drew it: what is open stays open, what is focused stays focused, new alarms are read aloud. */
function drawStrip(html) {
  if (html === stripHtml) return;
  stripHtml = html;
  const open = [...strip.querySelectorAll("details[open]")].map((each) => each.id);
  const focused = strip.contains(document.activeElement) ? document.activeElement.dataset.acknowledge ?? document.activeElement.parentElement?.id : null;
  strip.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) (strip.querySelector(`[data-acknowledge="${focused}"], #${CSS.escape(focused)} > summary, [data-acknowledge]`) ?? board).focus?.();
  const alarms = [...strip.querySelectorAll("[data-alarm]")];
  const fresh = alarms.filter((alarm) => !told.has(alarm.dataset.alarm));
  told = new Set(alarms.map((alarm) => alarm.dataset.alarm));
  if (fresh.length) write(document.getElementById("alarm-said"), fresh.map((alarm) => alarm.querySelector("[data-said]").textContent.replace(/\s+/g, " ")).join(". "));
}

/** The alarms behind the line, by key. */
function toggleAlarms() {
  const more = document.getElementById("more-alarms");
  if (!more) return;
  more.open = !more.open;
  more.firstElementChild.focus();
}

async function refreshStrip() {
  try {
    const answer = await fetch("/board/strip");
    if (answer.ok) drawStrip(await answer.text());
  } catch { /* the bar above says how old everything is */ }
  settle();
}

async function refreshUnits() {
  if (!maySee) return;
  const answer = await fetch("/board/units").catch(() => null);
  document.getElementById("units-unknown").hidden = Boolean(answer?.ok);
  if (answer?.ok) { units.innerHTML = await answer.text(); settle(); } else later(refreshUnits, 4000);
}

/** Everything anew, as if the page had just been opened; what was chosen and heard stays. */
async function redraw() {
  const answer = await fetch("/board").catch(() => null);
  if (!answer?.ok || answer.redirected) { later(redraw, 2000); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["call-rows", "unit-rows"]) document.getElementById(id).innerHTML = fresh.getElementById(id).innerHTML;
  drawStrip(fresh.getElementById("strip").innerHTML);
  known.clear();
  guarded.clear();
  stream.restart(fresh.getElementById("board").dataset.position);
  start();
}

// --- how it stands ----------------------------------------------------------------------------------------------

/** A booked ride comes onto the board shortly before its time. */
const tooEarly = (row) => Boolean(row.dataset.from) && Date.parse(row.dataset.from) > now();

/** After any change: counts, names of units, proposals, what is due to be seen, what rings. */
function settle() {
  const names = new Map([...units.children].map((unit) => [unit.dataset.unitRow, unit.dataset.name]));
  const numbers = new Map();
  let shown = 0;
  for (const row of calls.children) {
    row.hidden = tooEarly(row);
    shown += row.hidden ? 0 : 1;
    numbers.set(row.dataset.call, row.querySelector("[data-number]").dataset.number || texts.hidden_call);
    if (row.dataset.call === chosen) row.querySelector(".item").setAttribute("aria-current", "true");
    else row.querySelector(".item").removeAttribute("aria-current");
  }
  for (const each of document.querySelectorAll("[data-unit-name]")) write(each, names.get(each.dataset.unitName) ?? "–");
  for (const each of document.querySelectorAll("[data-of-call]")) say.ofCall(each, numbers.get(each.dataset.ofCall), texts);
  document.getElementById("no-calls").hidden = shown > 0;
  write(document.querySelector("#calls .count"), `${shown}`);
  write(document.querySelector("#units .count"), `${units.children.length}`);
  say.tally(document.getElementById("tally"), units);
  say.proposals(proposals, calls, names, numbers, texts);
  document.getElementById("quiet").hidden = !unheard().length;
  map?.choose(chosen);
  tick();
  seconds();
}

function seconds() {
  for (const each of document.querySelectorAll("[data-left]")) {
    const left = say.left(each, texts);
    each.classList.toggle("late", left < 15);
  }
  document.getElementById("as-of").textContent = new Date(now()).toLocaleString("th-TH", { timeZone: "Asia/Bangkok" });
  for (const unit of units.children) say.where(unit, fixes.get(unit.dataset.unitRow), texts);
  document.getElementById("clock").textContent =
    new Date(now()).toLocaleTimeString("th-TH", { timeZone: "Asia/Bangkok", hour12: false });
}

// --- sound ------------------------------------------------------------------------------------------------------

/** Calls whose sound somebody has quietened here. */
const quieted = new Set();
const unheard = () => [...calls.children].filter((row) => "waits" in row.dataset && !row.hidden && !quieted.has(row.dataset.call));
/** An alarm that is over by itself stays listed until somebody has seen it, and is silent. */
const ringing = () => [
  ...(strip.querySelector("[data-alarm]:not([data-answered])") ? ["alarm"] : []),
  ...unheard().map((row) => row.dataset.severity || "red"),
];

function quieten() {
  unheard().forEach((row) => quieted.add(row.dataset.call));
  settle();
}

async function acknowledge(button) {
  button.disabled = true;
  try {
    let answer = null;
    for (const id of button.dataset.acknowledge.split(" ")) {
      answer = await fetch(`/board/alarms/${id}/acknowledge`, {
        method: "POST",
        headers: { "x-csrf-token": csrf(), "idempotency-key": newKey(), "hx-request": "true" },
      });
    }
    if (answer.ok) drawStrip(await answer.text());
    else await refreshStrip(); // somebody else was quicker
  } finally {
    button.disabled = false;
  }
  settle();
}

async function confirmProposal(button) {
  button.disabled = true;
  try {
    await post("/board/confirm", { trip_id: button.dataset.trip, unit_id: button.dataset.unit }, { key: newKey() });
    banner("order", "");
  } catch (problem) {
    banner("order", problem.message, "bad");
    setTimeout(() => banner("order", ""), 8000);
    button.disabled = false;
  }
}

// --- choosing ---------------------------------------------------------------------------------------------------

let chosen = new URLSearchParams(location.search).get("call");

function choose(id, { jump = false } = {}) {
  chosen = id;
  quieted.add(id);
  history.replaceState(null, "", `/board?call=${id}`);
  refreshDetail();
  settle();
  map?.choose(id, true);
  const panel = document.getElementById("detail");
  if (jump) document.getElementById("detail-body").focus({ preventScroll: true });
  if (innerWidth < 960) panel.scrollIntoView({ block: "start" });
}

function refreshDetail() {
  const body = document.getElementById("detail-body");
  if (!chosen || !maySee) return;
  if (body.contains(document.activeElement) && body.dataset.of === chosen && document.activeElement.matches("input, textarea, select")) {
    return; // nobody's half-typed words are taken away
  }
  body.dataset.of = chosen;
  window.htmx.ajax("GET", `/desk/calls/${chosen}`, { target: "#detail-body", swap: "innerHTML" });
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  const link = at("#call-rows a.item, a[data-choose]");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    choose(link.dataset.choose ?? link.closest("[data-call]").dataset.call);
  } else if (at("[data-acknowledge]")) acknowledge(at("[data-acknowledge]"));
  else if (at("[data-confirm-unit]")) confirmProposal(at("[data-confirm-unit]"));
  else if (at("#quiet")) quieten();
  else if (at("[data-unit-row]")) map?.unit(at("[data-unit-row]").dataset.unitRow);
});

// The command line's "o 17": the call opens here.
document.addEventListener("karuna:command", (event) => {
  if (event.detail.act !== "open" || !event.detail.call_id) return;
  event.preventDefault();
  choose(event.detail.call_id, { jump: true });
});

const PANELS = { 1: "calls", 2: "units", 3: "detail", 4: "map" };
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  if (event.key === "F7") {
    event.preventDefault();
    const first = strip.querySelector("[data-acknowledge]:enabled"); // one that is on its way is not pressed twice
    if (first) acknowledge(first); else quieten();
  } else if (event.altKey && event.key === "5") {
    event.preventDefault();
    toggleAlarms();
  } else if (event.altKey && PANELS[event.key]) {
    event.preventDefault();
    const panel = document.getElementById(PANELS[event.key]);
    (panel?.querySelector("li:not([hidden]) > a, [tabindex='0']") ?? panel)?.focus();
  } else if (!typing && ["ArrowDown", "ArrowUp", "j", "k"].includes(event.key) && document.getElementById("calls").contains(document.activeElement)) {
    event.preventDefault();
    const links = [...calls.querySelectorAll("li:not([hidden]) > a.item")];
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + (["ArrowDown", "j"].includes(event.key) ? 1 : -1)))]?.focus();
  }
});

// --- units on the move ---------------------------------------------------------------------------------------------

const fixes = new Map();
function onFixes(said) {
  for (const [unit, fix] of Object.entries(said)) if (fix) fixes.set(unit, fix); else fixes.delete(unit);
  map?.units(fixes, units);
}

let map = null;
if (maySee) {
  import("./map.js").then(async ({ openMap }) => {
    map = await openMap(document.getElementById("map"), texts, (id) => choose(id));
    if (!map) return;
    for (const [id, told] of known) map.call(id, told);
    map.units(fixes, units);
    map.choose(chosen);
    document.getElementById("map-fit").addEventListener("click", () => map.fit());
  });
}

// --- begin -------------------------------------------------------------------------------------------------------

function start() {
  for (const row of calls.children) want(row.dataset.call);
  settle();
}
const stream = listen(board.dataset.position, texts, {
  board: onBoard, fixes: onFixes, look: () => later(refreshStrip, 150), reload: redraw,
});
new Sounds(ringing, texts, document.getElementById("sound"));
start();
if (chosen) refreshDetail();
if (maySee && !document.getElementById("units-unknown").hidden) later(refreshUnits, 4000);
setInterval(seconds, 1000);
setInterval(settle, 30_000);
setInterval(() => later(refreshStrip, 100), 10_000);
setInterval(redraw, 3_600_000);
