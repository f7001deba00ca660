// The volunteer's page: whom to visit and what was found there, and tasks to be done, with or without signal.
const LOOK_MS = 5 * 60_000;
const AGAIN_MS = 20_000; // what waits is not left to the phone's own word that it has signal again
const OLD_MS = 14 * 24 * 3600_000;
const tables = JSON.parse(document.getElementById("tables").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
// By the addresses the page names, which change with their content: old and new never meet after an update.
const queue = await import(tables.modules.queue);
const { $, distance, element, icon, say } = await import(tables.modules.view);
const { NO_NEED, sheet } = await import(tables.modules.sheet);
const { pictures } = await import(tables.modules.picture);
const NOTHING = { visits: [], tasks: [], forms: [] };

/** Everything the page knows just now. */
/** The second tap of a thumb that taps twice falls on the list that has come under it. */
const SECOND_TAP_MS = 400;
const my = {
  server: NOTHING,
  fetchedAt: 0,
  drafts: new Map(),
  acts: [],
  others: 0,
  open: null, // the visit that is being written
  writing: null, // the visit that is being put into the queue
  sentAt: -Infinity, // when a sheet was last put there
  reached: true,
  signedOut: false,
  old: false, // another tab has a newer version of this page, and what is kept
  skew: 0, // by how much this phone's clock is behind the server's
  csrf: document.querySelector('meta[name="csrf"]').content,
};
/** Pictures that are being made small. */
const making = new Set();
let turn = Promise.resolve();
/** What is written down goes one after another: a large picture is sealed longer than what was ticked after it. */
function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}
const to = {
  account: tables.account,
  csrf: () => my.csrf,
  arrived,
  silent: () => { my.reached = false; },
  signedOut: left,
  refresh: () => look(),
};
const now = () => new Date(Date.now() + my.skew).toISOString();
const remember = () => queue.keep({ account: tables.account, server: my.server, fetchedAt: my.fetchedAt, skew: my.skew });
/** Visits, and tasks in the same shape. */
const given = () => [...my.server.visits, ...(my.server.tasks ?? [])];
/** Begun here, and not given any more: whoever wrote it reads it, goes on, and decides whether it is sent. */
function orphans() {
  if (my.signedOut || !my.fetchedAt) return [];
  const still = new Set(given().map((each) => each.id));
  return [...my.drafts.values()].filter((draft) => !still.has(draft.id));
}
const items = () => [...given(), ...orphans().filter((draft) => draft.of).map((draft) => ({ ...draft.of, gone: true }))];
/** What the draft must keep of a visit to be read and sent without it: whose it is by name, nothing of where they live. */
const core = ({ id, task, kind, kind_label, due, forms, own, person }) => ({
  id, task, kind, kind_label, due, forms, own, what: null, disputed: [], pictures: 0,
  person: person && { id: person.id, name: person.name, line: "", places: [], contacts: [], home: null },
});
const waitingOf = (id) => my.acts.filter((act) => act.visit_id === id);
/** Thai time; of another day than today with the day, for what is kept here may be two weeks old. */
function clock(ms) {
  const [at, today] = [ms, Date.now()].map((each) => new Date(each + 7 * 3600_000).toISOString());
  const [, month, day] = at.slice(0, 10).split("-");
  return at.slice(0, 10) === today.slice(0, 10) ? at.slice(11, 16) : `${Number(day)}/${Number(month)} ${at.slice(11, 16)}`;
}

// --- what the server knows ----------------------------------------------------

async function look() {
  if (my.old) return undefined;
  let answer;
  try {
    answer = await fetch("/visits/state", { headers: { accept: "application/json" }, cache: "no-store" });
  } catch {
    my.reached = false;
    return drawLine();
  }
  if (answer.status === 401) return left();
  const said = await answer.json().catch(() => null);
  if (!answer.ok || !said) { my.reached = false; return drawLine(); }
  if (said.account !== tables.account) return location.reload(); // somebody else has signed in on this phone
  const off = Date.parse(said.now) - Date.now();
  my.skew = Math.abs(off) > 3000 ? off : 0;
  Object.assign(my, { reached: true, signedOut: false, csrf: said.csrf, server: { visits: said.visits, tasks: said.tasks ?? my.server.tasks, forms: said.forms }, fetchedAt: Date.now() });
  await remember();
  await tidy();
  return draw();
}

/** What arrived has nothing to stay for. */
async function tidy() {
  await reread();
  for (const draft of my.drafts.values()) if (draft.sent && !waitingOf(draft.id).length) await queue.dropDraft(draft);
  await reread();
}

async function reread() {
  Object.assign(my, await queue.written(tables.account));
}

/** One act has reached the registry: what it answers is what the next change is based on. */
async function arrived(act, said) {
  my.reached = true;
  const visit = items().find((each) => each.id === act.visit_id);
  if (act.kind === "task") my.server.tasks = my.server.tasks.filter((each) => each.id !== act.id);
  if (visit && act.kind === "visit") {
    visit.own = { ...visit.own, ...said.own };
    visit.disputed = said.disputed;
  }
  if (visit && act.kind === "picture") visit.pictures += 1;
  if (visit && act.kind === "assessment") visit.results = { ...visit.results, [act.body.instrument]: said.band };
  await reread();
  const draft = my.drafts.get(act.visit_id);
  if (!waitingOf(act.visit_id).length && draft?.sent) {
    await queue.dropDraft(draft);
    if (visit) visit.done_at ??= now();
    await reread();
  }
  await remember();
}

async function left() {
  my.signedOut = true;
  my.server = NOTHING;
  await queue.forgetPeople();
  draw();
}

async function send() {
  if (my.signedOut || my.old) return;
  const before = my.acts.length;
  await queue.flush(to);
  await reread();
  if (before !== my.acts.length && my.reached) await look();
  else draw();
}

// --- drawing --------------------------------------------------------------------

/** How many visits wait, were refused, and are begun. */
function unsent() {
  const of = (state) => new Set(my.acts.filter((act) => act.state === state).map((act) => act.visit_id)).size;
  return { waiting: of("waiting"), not_accepted: of("refused"), unfinished: [...my.drafts.values()].filter((draft) => !draft.sent).length };
}

function drawLine() {
  const counts = Object.entries(unsent()).filter(([, n]) => n);
  if (counts.length) localStorage.setItem("karuna-unsent", "yes");
  else localStorage.removeItem("karuna-unsent");
  const parts = [];
  if (my.signedOut) parts.push(words.signed_out);
  else if (!my.reached) parts.push(say(words.no_signal, { at: my.fetchedAt ? clock(my.fetchedAt) : "–" }));
  else if (!counts.length) parts.push(words.all_sent);
  for (const [name, n] of counts) parts.push(say(words[name], { n }));
  const line = $("sync");
  const text = parts.join(" · ");
  line.className = `sync ${my.signedOut || !my.reached ? "tone-bad" : counts.length ? "tone-wait" : "tone-done"}`;
  if (line.dataset.text === text) return;
  line.dataset.text = text;
  line.replaceChildren(element("span", { text }));
  if (my.signedOut) line.append(element("a", { className: "button", href: "/sign-in?next=/visits", text: words.sign_in }));
}

/** planned, begun, waiting, refused, sent: what the volunteer still has to do with it. */
function standOf(visit) {
  const acts = waitingOf(visit.id);
  if (acts.some((act) => act.state === "refused")) return "refused";
  if (acts.length) return "waiting";
  if (my.drafts.has(visit.id)) return "begun";
  if (visit.task) return visit.late ? "overdue" : "open";
  return visit.done_at ? "sent" : "planned";
}
function badge(state) {
  const of = tables.tones[state];
  return element("span", { className: `badge tone-${of.tone}` }, icon(of.icon), element("span", { className: "badge-letter", "aria-hidden": "true", text: of.letter }), element("span", { text: of.label }));
}

function draw() {
  drawLine();
  drawTroubles();
  $("others").hidden = !my.others;
  const visit = items().find((each) => each.id === my.open) ?? null;
  $("list").hidden = Boolean(visit);
  $("one").hidden = !visit;
  document.body.classList.toggle("has-next", Boolean(visit));
  $("next").hidden = !visit;
  $("big").textContent = visit?.task ? words.send_task : words.send;
  if (visit) return drawOne(visit);
  $("one").dataset.id = "";
  const tasks = my.server.tasks ?? [];
  $("empty").hidden = items().length > 0 || my.signedOut;
  $("visits").replaceChildren(...my.server.visits.map(card));
  $("tasks-title").hidden = !tasks.length;
  $("tasks").replaceChildren(...tasks.map(card));
  return undefined;
}

function card(visit) {
  const { person } = visit;
  const state = standOf(visit);
  const button = element("button", { type: "button", className: "visit-card" },
    element("span", { className: "row" }, element("strong", { text: sheets.title(visit) }), badge(state)),
    element("span", { className: "muted", text: [visit.task && person && visit.kind_label, person?.line, person?.places[0]].filter(Boolean).join(" · ") }),
    element("span", { className: visit.late && !visit.done_at ? "late" : "", text: say(visit.late && !visit.done_at ? words.was_due : visit.task ? words.task_due : words.due, { day: visit.due }) }),
  );
  if (visit.disputed.length) button.append(element("span", { className: "notice warn", text: words.disputed_short }));
  button.addEventListener("click", (event) => { if (event.detail < 2 || performance.now() - my.sentAt > SECOND_TAP_MS) goTo(visit.id); });
  return element("li", {}, button);
}

function goTo(id) {
  history.pushState({ visit: id }, "");
  openVisit(id);
}

function openVisit(id) {
  my.open = id;
  $("next-hint").textContent = "";
  draw();
  scrollTo(0, 0);
  if (id) $("one").querySelector("h1")?.focus();
}

function orphan(draft) {
  const read = element("button", { type: "button", text: words.orphan_read });
  read.addEventListener("click", () => goTo(draft.id));
  const away = element("button", { type: "button", className: "danger", text: words.throw_away });
  away.addEventListener("click", async () => { if (confirm(words.throw_away_sure)) { await queue.dropDraft(draft); await reread(); draw(); } });
  return element("section", { className: "card trouble" }, ...(draft.of ? [element("h2", { text: sheets.title(draft.of) })] : []),
    element("p", { text: say(words.orphan, { at: clock(draft.at) }) }), element("div", { className: "buttons" }, ...(draft.of ? [read] : []), away));
}

function drawTroubles() {
  const refused = my.acts.filter((act) => act.state === "refused");
  const left = orphans().filter((draft) => !draft.sent);
  const print = [...refused.map((act) => act.key), ...left.map((draft) => draft.id)].join();
  if ($("troubles").dataset.print === print) return;
  $("troubles").dataset.print = print;
  $("troubles").replaceChildren(...refused.map((act) => {
    const again = element("button", { type: "button", text: words.again });
    again.addEventListener("click", async () => { await queue.putAct({ ...act, state: "waiting", problem: null }); await reread(); draw(); send(); });
    const away = element("button", { type: "button", className: "danger", text: words.throw_away });
    away.addEventListener("click", async () => {
      if (!confirm(words.throw_away_sure)) return;
      await queue.dropAct(act);
      await tidy();
      $("one").dataset.id = ""; // what was sent of it is not written again
      draw();
      send();
    });
    return element("section", { className: "card trouble" },
      element("h2", { text: say(words.refused, { what: words[`kind_${act.kind}`] }) }),
      element("p", { text: act.problem }),
      element("div", { className: "buttons" }, again, away));
  }), ...left.map(orphan));
}

// --- one visit --------------------------------------------------------------------

const blank = (visit) => ({
  id: visit.id, of: core(visit), account: tables.account, person_id: visit.person?.id ?? null, begun_at: null, sent: false,
  fields: Object.fromEntries(Object.entries(visit.own).map(([name, own]) => [name, own.value])),
  answers: {}, needs: [], need: { ...NO_NEED }, pictures: [], fix: null, home: false, source: localStorage.getItem("visits-source") ?? "",
});

function drawOne(visit) {
  if ($("one").dataset.id === visit.id) return sheets.freshen(visit);
  $("one").dataset.id = visit.id;
  const draft = JSON.parse(JSON.stringify({ ...blank(visit), ...my.drafts.get(visit.id), sent: false }));
  return sheets.draw($("one"), visit, draft);
}

const sheets = sheet({
  tables, words, now, view: { distance, element, icon, say }, forms: () => my.server.forms, locked: (id) => my.writing === id || waitingOf(id).length > 0,
  pictures: (card) => pictures({ words, most: tables.most_pictures, view: { element, say }, queue, making, ...card }),
  changed: (draft, taken) => inTurn(async () => {
    if (draft.sent || waitingOf(draft.id).length) return; // written again it would stand as begun, to be sent twice
    draft.begun_at ??= now();
    if (!my.writing) $("next-hint").textContent = "";
    await queue.putDraft(draft, taken);
    await reread();
    drawLine();
  }),
});

/** Written down as a whole, its pictures too, then sent: the visit first, for the rest names it. */
async function finish() {
  const visit = items().find((each) => each.id === my.open);
  if (!visit || my.writing || waitingOf(visit.id).length) return;
  const { draft, problem } = sheets.judge(visit);
  $("next-hint").textContent = problem ?? "";
  if (!draft) return;
  my.writing = visit.id; // until it stands in the queue: a thumb that taps twice writes once
  sheets.freshen(visit);
  if (making.size) $("next-hint").textContent = words.making_picture;
  try {
    while (making.size) await Promise.allSettled([...making]);
    await inTurn(() => write(visit, draft));
  } finally {
    my.writing = null;
    my.sentAt = performance.now();
  }
  if ($("one").dataset.id === visit.id) $("one").dataset.id = "";
  if (my.open === visit.id) history.back();
  send();
}

async function write(visit, draft) {
  const at = draft.begun_at ?? now();
  const base = { account: tables.account, visit_id: visit.id, person_id: visit.person?.id ?? null };
  const acts = visit.task ? [{ ...base, kind: "task", id: visit.id, body: ended(draft) }] : found(visit, draft, base, at);
  await queue.addActs(acts.map((act) => ({ key: crypto.randomUUID(), ...act })), { ...draft, sent: true });
  draft.sent = true;
  await reread();
}

const ended = ({ fields: { outcome, note } }) => ({ outcome, ...(note?.trim() ? { note: note.trim() } : {}) });

/** The acts of a visit. */
function found(visit, draft, base, at) {
  const fields = {};
  for (const [name, value] of Object.entries(draft.fields)) {
    if (value !== (visit.own[name]?.value ?? "")) fields[name] = { value, base: visit.own[name]?.version ?? 0 };
  }
  const point = draft.fix ? { point: { lon: draft.fix.lon, lat: draft.fix.lat }, accuracy_m: draft.fix.accuracy_m } : {};
  const acts = [{ ...base, kind: "visit", id: visit.id, body: { kind: visit.kind, visited_at: at, fields, ...point } }];
  for (const [instrument, answers] of Object.entries(draft.answers)) {
    if (!Object.keys(answers).length) continue;
    const id = crypto.randomUUID();
    acts.push({ ...base, kind: "assessment", id, body: { instrument, answers, assessed_at: at, visit_id: visit.id } });
  }
  for (const { need, urgency, note } of draft.needs) {
    const id = crypto.randomUUID();
    acts.push({ ...base, kind: "need", id, body: { need, urgency, visit_id: visit.id, ...(note ? { note } : {}) } });
  }
  if (draft.fix && draft.home) {
    const { lon, lat, accuracy_m, at: observed_at } = draft.fix;
    const id = crypto.randomUUID();
    acts.push({ ...base, kind: "place", id, body: { lon, lat, accuracy_m, observed_at, method: "gps", visit_id: visit.id, ...(draft.source ? { source: draft.source } : {}) } });
  }
  for (const id of draft.pictures) acts.push({ ...base, kind: "picture", id, body: {} });
  return acts;
}

// --- beginning --------------------------------------------------------------------

function wire() {
  $("big").addEventListener("click", finish);
  addEventListener("popstate", (event) => openVisit(event.state?.visit ?? null));
  $("sign-out").addEventListener("submit", async (event) => {
    event.preventDefault();
    await inTurn(queue.leave); // after what is just being written down
    localStorage.removeItem("visits-source");
    $("sign-out").submit();
  });
}

/** Two versions of this page at once: the old one lets go of what is kept, and neither waits without a word. */
const tabs = (text) => { $("tabs").textContent = text; $("tabs").hidden = !text; };
Object.assign(queue.met, {
  waits: (yes) => tabs(yes ? words.old_tab : ""),
  left: () => { my.old = true; tabs(words.newer_tab); for (const id of ["list", "one", "next"]) $(id).inert = true; },
});

async function begin() {
  document.documentElement.dataset.theme = localStorage.getItem("crew-theme") ?? "light";
  const before = await queue.kept();
  if (before?.account === tables.account && Date.now() - before.fetchedAt < OLD_MS) {
    Object.assign(my, { server: before.server, fetchedAt: before.fetchedAt, skew: before.skew });
  } else if (before) await queue.forgetPeople();
  await reread();
  wire();
  my.open = history.state?.visit ?? null;
  draw();
  const visible = () => document.visibilityState === "visible";
  const waits = () => !my.reached || my.acts.some((act) => act.state === "waiting");
  // Listening comes first: the signal may come back while the first question is still failing.
  addEventListener("online", () => look().then(send));
  document.addEventListener("visibilitychange", () => { if (visible() && Date.now() - my.fetchedAt > LOOK_MS) look().then(send); });
  addEventListener("offline", () => { my.reached = false; drawLine(); });
  setInterval(() => { if (visible() && waits()) look().then(send); }, AGAIN_MS);
  setInterval(() => { if (visible()) look().then(send); }, LOOK_MS);
  await look();
  await send();
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
  navigator.storage?.persist?.();
}

begin();
