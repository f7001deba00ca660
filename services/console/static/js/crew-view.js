// What the crew's page shows: drawn from the last answer of the server and from what was pressed since.
const BANGKOK_MS = 7 * 3600_000;
export const $ = (id) => document.getElementById(id);

/** `14:03`, `14:03:22`: Thailand has one clock and no summer time. */
export const clock = (at, seconds = false) => new Date(Date.parse(at) + BANGKOK_MS).toISOString().slice(11, seconds ? 19 : 16);

/** The instant of a time of day typed at the phone, on the day of `near`, never later than `now`. */
export function instantOf(typed, near, now) {
  const day = new Date(Date.parse(near) + BANGKOK_MS).toISOString().slice(0, 10);
  let at = Date.parse(`${day}T${typed.length === 5 ? `${typed}:00` : typed}+07:00`);
  if (at > now + 120_000) at -= 24 * 3600_000;
  return new Date(at).toISOString();
}

export const say = (sentence, facts = {}) => sentence.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

export function element(tag, { text = "", className = "", ...more } = {}, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  for (const [name, value] of Object.entries(more)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function icon(href) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", href);
  svg.append(use);
  return svg;
}

/** A step the page counts with: pressed here, and not undone, refused or set aside. */
export const counts = (act, fetchedAt) =>
  act.kind === "step" && !act.body.correction && (act.state === "waiting" || (act.state === "done" && act.done_at > fetchedAt));

/** Where a job stands when what was pressed here is counted, and its times. */
export function stand(job, acts, tables, fetchedAt) {
  const order = ["ordered", "offered", ...Object.values(tables.after)];
  let status = job.status;
  const times = { ...job.stamps };
  const unsent = new Set();
  for (const act of acts) {
    if (act.id !== job.id || !counts(act, fetchedAt)) continue;
    const after = tables.after[act.step];
    if (order.indexOf(after) > order.indexOf(status)) status = after;
    times[act.step] ??= act.at;
    if (act.state === "waiting") unsent.add(act.step);
  }
  return { ...job, status, times, unsent };
}

/** The unit that is meant: the trip's, else the one this person is on duty with, else the only one; null: nobody can tell. */
export function unitOf({ server: { units }, current }) {
  return units.find((unit) => unit.id === current?.unit_id) ?? units.find((unit) => unit.here) ?? (units.length === 1 ? units[0] : null);
}

/** Done here, and not back at the base yet: what is left of a trip when its personal half is gone. */
export function goingHome(acts, home, skipped) {
  const found = new Map(home.map((each) => [each.id, { id: each.id, unit_id: each.unit_id, status: "cleared", stamps: { clear: each.at } }]));
  for (const act of acts) {
    if (act.kind !== "step" || act.body.correction || !["waiting", "done", "noted"].includes(act.state)) continue;
    if (act.step === "clear") found.set(act.id, { id: act.id, trip_id: act.trip_id, unit_id: act.unit_id, status: "cleared", stamps: { clear: act.at } });
    if (act.step === "at_base") found.delete(act.id);
  }
  return [...found.values()].filter((each) => !skipped.includes(each.id)).slice(-1);
}

/** Of a tour that has begun the rider whose stop is next comes first, also where only this phone knows how far it is. */
export function inTourOrder(open) {
  const begun = new Set(open.filter((job) => job.run_id && ["en_route", ...ON_BOARD, "at_scene"].includes(job.status)).map((job) => job.run_id));
  const tour = open.filter((job) => begun.has(job.run_id));
  if (tour.length < 2) return open;
  const due = (job) => (ON_BOARD.includes(job.status) ? job.dropoff_at : job.pickup_at) ?? "";
  tour.sort((one, other) => due(one).localeCompare(due(other)));
  return [...tour, ...open.filter((job) => !tour.includes(job))];
}
const ON_BOARD = ["left_scene", "at_destination"];

export function nextStep(job, tables) {
  if (job.status === "at_scene" && !job.transports) return "clear";
  return tables.next[job.status] ?? null;
}

/** The times of a journey, with a mark beside those that dispatch does not have yet. */
export function drawTimes(job, tables, words) {
  const list = $("times").querySelector("ol");
  $("times").hidden = !job || !tables.stamps.some(([step]) => job.times[step]);
  if (!job) return;
  const shown = tables.stamps.filter(([step]) => job.times[step]);
  list.replaceChildren(...shown.map(([step, label]) => {
    const line = element("li", {}, element("span", { text: label }));
    if (job.unsent.has(step)) line.append(element("span", { className: "badge tone-wait", text: words.unsent }));
    line.append(element("time", { text: clock(job.times[step]), datetime: job.times[step] }));
    return line;
  }));
}

/** The list of the day: everything pressed on this phone, and what became of it. */
export function drawLog(acts, tables, words) {
  $("log").hidden = !acts.length;
  const lines = [...acts].reverse().slice(0, 30).map((act) => {
    const name = act.kind === "step" ? tables.steps[act.step] : words[`did_${act.kind}`];
    const label = act.body.correction ? `${words.correct}: ${name}` : name;
    const line = element("li", {}, element("time", { text: clock(act.at) }), element("span", { text: label }));
    line.append(element("span", { className: `badge log-${act.state}`, text: words[`state_${act.state}`] }));
    if (act.problem) line.append(element("small", { text: act.problem.sentence }));
    return line;
  });
  $("log").querySelector("ol").replaceChildren(...lines);
}

/** Steps that dispatch refused: why, what waits behind them, and what one can do. */
export function drawTroubles(acts, gone, here, { tables, words, desk, on }) {
  const cards = [];
  for (const act of acts.filter((each) => each.state === "refused")) {
    const name = act.kind === "step" ? tables.steps[act.step] : words[`did_${act.kind}`];
    const behind = acts.filter((each) => each.id === act.id && each.state === "waiting").length;
    const card = element("section", { className: "card trouble" },
      element("h2", { text: say(words.refused, { step: name, at: clock(act.at) }) }),
      element("p", { text: act.problem.sentence }),
      element("p", { text: act.kind.startsWith("waste") ? words.refused_waste : here.has(act.id) ? words.refused_do : words.refused_gone }));
    if (behind) card.append(element("p", { text: say(words.refused_behind, { n: behind }) }));
    const again = element("button", { type: "button", text: words.try_again });
    again.addEventListener("click", () => on.again(act));
    const aside = element("button", { type: "button", text: words.set_aside });
    aside.addEventListener("click", () => on.aside(act));
    card.append(element("p", { className: "buttons" }, again, aside, ...callDesk(desk, words)));
    cards.push(card);
  }
  const refused = new Set(acts.filter((each) => each.state === "refused").map((each) => each.id));
  const untold = gone.filter((each) => !refused.has(each.id)); // said once: a refused step says it already
  for (const [expired, title, hint] of [[false, words.gone, words.gone_hint], [true, words.gone_late, words.gone_late_hint]]) {
    const those = untold.filter((each) => (each.how === "expired") === expired);
    if (!those.length) continue;
    const ok = element("button", { type: "button", text: words.understood });
    ok.addEventListener("click", () => on.understood(those));
    const lines = those.filter((each) => each.asked_at).map((each) => element("li", { text: say(words.gone_which, { number: each.number ?? "–", at: clock(each.asked_at) }) }));
    cards.push(element("section", { className: "card trouble" }, element("h2", { text: title }), element("ul", {}, ...lines),
      element("p", { text: hint }), element("p", { className: "buttons" }, ok, ...callDesk(desk, words))));
  }
  const box = $("troubles");
  const print = JSON.stringify([acts.filter((a) => a.state === "refused").map((a) => a.key), gone, cards.map((c) => c.textContent)]);
  if (box.dataset.print === print) return; // said once, not at every look
  box.dataset.print = print;
  box.replaceChildren(...cards);
}

const callDesk = (desk, words) => (desk ? [element("a", { className: "button", href: `tel:${desk}`, text: say(words.call_desk, { number: desk }) })] : []);

/** How far a point is from here, in a straight line, where the phone may say where it is. */
export function showDistances(root, words) {
  const places = [...root.querySelectorAll(".distance[data-lat]")];
  if (/iPhone|iPad/.test(navigator.userAgent)) {
    for (const link of root.querySelectorAll("a.map-link")) link.href = `maps:?q=${link.dataset.lat},${link.dataset.lon}`;
  }
  if (!places.length || !navigator.geolocation || !navigator.permissions) return;
  const draw = ({ coords }) => {
    for (const place of places) {
      const metres = distance(coords.latitude, coords.longitude, Number(place.dataset.lat), Number(place.dataset.lon));
      place.textContent = metres < 950 ? say(words.metres, { n: Math.round(metres / 10) * 10 }) : say(words.kilometres, { n: (metres / 1000).toFixed(1) });
    }
  };
  const look = () => navigator.geolocation.getCurrentPosition(draw, () => {}, { maximumAge: 60_000, timeout: 10_000 });
  navigator.permissions.query({ name: "geolocation" }).then((allowed) => {
    if (allowed.state === "granted") return look();
    if (allowed.state !== "prompt") return undefined;
    const ask = element("button", { type: "button", className: "quiet", text: words.how_far });
    ask.addEventListener("click", look);
    places[0].replaceChildren(ask);
    return undefined;
  }, () => {});
}

/** Metres in a straight line. */
export function distance(lat1, lon1, lat2, lon2) {
  const rad = Math.PI / 180;
  const x = (lon2 - lon1) * rad * Math.cos(((lat1 + lat2) / 2) * rad);
  return Math.hypot(x, (lat2 - lat1) * rad) * 6_371_000;
}
