// How rows are put into their lists, and what is written into them; knows nothing of where it comes from.
import { age, now, write } from "./base.js";

const MOVING_KMH = 5;
const STALE_MS = 120_000;

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

/** Put a row where its order says; the focus stays where it was. */
function place(list, row, before) {
  const focused = before?.contains(document.activeElement);
  before?.remove();
  const next = [...list.children].find((other) => other.dataset.order > row.dataset.order);
  list.insertBefore(row, next ?? null);
  if (focused) row.querySelector("a, button")?.focus({ preventScroll: true });
  return row;
}

/** Since when a unit stands as it does. Of a free one the later stands: what is told openly may not know its last work. */
const since = (slot) => Date.parse(slot.querySelector("[data-since]")?.dataset.since ?? 0);

export const draw = {
  /** A call's row. `keep`: it is protected and shown in full here; what is told openly says less, so it stays. */
  row(list, { id, html }, keep = false) {
    const before = document.getElementById(`row-${id}`);
    const row = element(html);
    if (keep && before && "closed" in row.dataset) {
      before.dataset.closed = "";
      return before;
    }
    return place(list, row, before);
  },
  /** A unit's state; false where the list does not have the unit yet. */
  unit(list, { id, state, order, html }) {
    const row = document.getElementById(`unit-${id}`);
    if (!row) return false;
    const slot = row.querySelector('[data-slot="state"]');
    const fresh = element(`<div>${html}</div>`);
    if (state === "free" && row.dataset.state === "free" && since(slot) > since(fresh)) return true;
    slot.replaceChildren(...fresh.childNodes);
    row.dataset.state = state;
    if (row.dataset.order[0] !== order) {
      row.dataset.order = order + row.dataset.order.slice(1);
      place(list, row, row);
    }
    return true;
  },
};

const slot = (row, name) => row.querySelector(`[data-private="${name}"]`);
function badge(tone, text) {
  const made = document.createElement("span");
  made.className = `badge tone-${tone}`;
  made.textContent = text;
  return made;
}

export const say = {
  privately(row, told) {
    if (told.complaint) slot(row, "title").textContent = told.complaint;
    slot(row, "place").textContent = told.place ? ` · ${told.place}` : "";
    slot(row, "caller").textContent = [told.caller, told.phone].filter(Boolean).join(" ");
    slot(row, "people").textContent = told.people ? ` · ${told.people}` : "";
  },
  ofCall(slot, number, texts) {
    const named = slot.classList.contains("on-call") ? texts.on_call.replace("{call}", number) : number;
    write(slot, number ? named : "");
  },
  /** What is left of the time to answer, in seconds; once it is over, that somebody must ring. */
  left(slot, texts) {
    const left = Math.round((Date.parse(slot.dataset.left) - now()) / 1000);
    write(slot, left > 0 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : texts.answer_late);
    return left;
  },
  /** How many units are free, busy and so on; those of exercises help nobody. */
  tally(place, list) {
    const counts = new Map();
    for (const unit of list.children) if (!("exercise" in unit.dataset)) counts.set(unit.dataset.state, (counts.get(unit.dataset.state) ?? 0) + 1);
    const print = JSON.stringify([...counts]);
    if (place.dataset.print === print) return;
    place.dataset.print = print;
    place.replaceChildren(...[...counts].map(([state, count]) => {
      const label = document.querySelector(`[data-state-name="${state}"]`);
      return badge(label?.dataset.tone ?? "plain", `${label?.textContent ?? state} ${count}`);
    }));
  },
  /** A line with a timer and a button for each proposal that waits for a dispatcher. */
  proposals(place, calls, names, numbers, texts) {
    const chips = [...calls.querySelectorAll('.chip[data-status="proposed"][data-trip]')];
    const lines = chips.map((chip) => {
      const id = chip.closest("[data-call]").dataset.call;
      const [unit, call] = [names.get(chip.dataset.unit) ?? "–", numbers.get(id)];
      const key = `${chip.dataset.assignment}`;
      const line = place.querySelector(`[data-proposal="${key}"]`) ?? document.createElement("div");
      if (!line.dataset.proposal) {
        line.className = "alarm proposal";
        line.dataset.proposal = key;
        const link = document.createElement("a");
        link.href = `/board?call=${id}`;
        link.dataset.choose = id;
        const left = document.createElement("span");
        left.className = "age";
        if (chip.dataset.until) left.dataset.left = chip.dataset.until;
        const button = document.createElement("button");
        button.type = "button";
        button.className = "primary end";
        Object.assign(button.dataset, { confirmUnit: "", unit: chip.dataset.unit, trip: chip.dataset.trip });
        line.append(link, left, button);
      }
      write(line.firstElementChild, texts.proposal.replace("{unit}", unit).replace("{call}", call));
      write(line.lastElementChild, texts.confirm_for.replace("{unit}", unit).replace("{call}", call));
      return line;
    });
    if (lines.length !== place.children.length || lines.some((line, n) => line !== place.children[n])) place.replaceChildren(...lines);
  },
  /** Where a unit is: how old that is, and whether it moves. `fix`: [lat, lon, at, speed_kmh, heading_deg]. */
  where(unit, fix, texts) {
    const slot = unit.querySelector('[data-slot="where"]');
    const at = fix?.[2] ?? slot.dataset.at;
    if (!at) { write(slot, texts.no_position); return; }
    const moves = fix?.[3] != null ? (fix[3] > MOVING_KMH ? `${texts.moving} ${Math.round(fix[3])} ${texts.kmh}` : texts.stopped) : "";
    const old = now() - Date.parse(at) > STALE_MS;
    write(slot, [moves, age(at)].filter(Boolean).join(" · "));
    slot.classList.toggle("late", old);
  },
};
