// The big screen: the board's rows without anything that only some may see, and nothing to press.
import { data, now, setServerTime, tick, write } from "./base.js";
import { listen } from "./live.js";
import { draw, say } from "./rows.js";
import { fit, overflows } from "./fit.js";

const texts = data("board-texts");
const board = document.getElementById("board");
const calls = document.getElementById("call-rows");
const units = document.getElementById("unit-rows");
setServerTime(board.dataset.now);
const fixes = new Map();
const alarms = document.getElementById("wall-alarms");
const lists = [
  [calls, document.getElementById("calls-more"), texts.wall_more_calls],
  [units, document.getElementById("units-more"), texts.wall_more_units],
];

function settle() {
  const names = new Map([...units.children].map((unit) => [unit.dataset.unitRow, unit.dataset.name]));
  const numbers = new Map();
  let shown = 0;
  for (const row of calls.children) {
    row.hidden = Boolean(row.dataset.from) && Date.parse(row.dataset.from) > now();
    shown += row.hidden ? 0 : 1;
    numbers.set(row.dataset.call, row.querySelector("[data-number]").dataset.number || texts.hidden_call);
    row.querySelector("a")?.setAttribute("tabindex", "-1");
  }
  for (const each of document.querySelectorAll("[data-unit-name]")) write(each, names.get(each.dataset.unitName) ?? "–");
  for (const each of document.querySelectorAll("[data-of-call]")) say.ofCall(each, numbers.get(each.dataset.ofCall), texts);
  for (const each of units.querySelectorAll("button")) each.tabIndex = -1;
  document.getElementById("no-calls").hidden = shown > 0;
  document.querySelector("#calls .count").textContent = shown;
  say.tally(document.getElementById("tally"), units);
  tick();
  for (const each of lists) fit(...each);
}

async function refreshAlarms() {
  const answer = await fetch("/board/strip?wall=1").catch(() => null);
  if (!answer?.ok || answer.redirected) return; // the bar above says how old everything is
  alarms.innerHTML = await answer.text();
  settle();
}
let asked = null;
/** Once after many events. */
function soon() { asked ??= setTimeout(() => { asked = null; refreshAlarms(); }, 300); }

function second() {
  for (const each of document.querySelectorAll("[data-left]")) {
    say.left(each, texts);
  }
  for (const unit of units.children) say.where(unit, fixes.get(unit.dataset.unitRow), texts);
  document.getElementById("clock").textContent =
    new Date(now()).toLocaleTimeString("th-TH", { timeZone: "Asia/Bangkok", hour12: false });
  for (const each of lists) if (overflows(each[0])) fit(...each);
}

async function redraw() {
  const answer = await fetch("/board/wall").catch(() => null);
  if (!answer?.ok || answer.redirected) { setTimeout(redraw, 3000); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["call-rows", "unit-rows", "wall-alarms"]) document.getElementById(id).innerHTML = fresh.getElementById(id).innerHTML;
  document.getElementById("units-unknown").hidden = fresh.getElementById("units-unknown").hidden;
  stream.restart(fresh.getElementById("board").dataset.position);
  settle();
}

const stream = listen(board.dataset.position, texts, {
  board(said) {
    for (const call of said.calls ?? []) {
      if (call.html) draw.row(calls, call); else document.getElementById(`row-${call.id}`)?.remove();
    }
    for (const unit of said.units ?? []) if (!unit.lent) draw.unit(units, unit);
    settle();
    if (said.look) soon();
  },
  fixes(said) { for (const [unit, fix] of Object.entries(said)) if (fix) fixes.set(unit, fix); else fixes.delete(unit); },
  look: soon,
  reload: redraw,
});
settle();
second();
setInterval(second, 1000);
setInterval(soon, 10_000);
addEventListener("resize", settle);
document.fonts.ready.then(settle);
setInterval(redraw, 600_000);
