// The crew's page: one button that always does the next step, with or without signal.
const LOOK_MS = 10_000;
const FULL_MS = 60_000;
const HOLD_MS = 4_000;
const CORRECT_MS = 30 * 60_000;
const SURE_MS = 30_000; // a trip that vanished and of which nobody says how it ended was taken away
const ASK_AGAIN_MS = 2_000;
const OLD_MS = 12 * 3600_000;
const tables = JSON.parse(document.getElementById("tables").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
// By the addresses the page names, which change with their content: old and new never meet after an update.
const { acts: actsOf, add, flush, keep, kept, othersWaiting, put, wipe } = await import(tables.modules.queue);
const view = await import(tables.modules.view);
const { painter } = await import(tables.modules.draw);
const { sheets } = await import(tables.modules.sheets);
const { whereabouts } = await import(tables.modules.where);
const { waste } = await import(tables.modules.waste);
const { $, element, instantOf, stand } = view;
const desk = document.querySelector('#next a[href^="tel:"]')?.getAttribute("href").slice(4) ?? "";
const SETTLED = ["cleared", "at_base", "declined"]; // ended by this crew, also from another phone or by LINE
const NOTHING = { mark: "", units: [], jobs: [], home: [], returns: [], waste: [], facilities: [] };

/** Everything the page knows just now. */
const my = {
  server: NOTHING,
  fetchedAt: 0, // when this phone heard it
  wasteAt: 0, // when it asked and was told of waste, of which an unchanged mark says nothing
  fullAt: 0,
  acts: [],
  lost: [], // not here any more, and how it ended is not known yet
  gone: [],
  skipped: [],
  found: {}, // what the crew found, to go with its next step
  current: null,
  drawn: "",
  chosen: null,
  reached: true,
  signedOut: false,
  skew: 0,
  csrf: document.querySelector('meta[name="csrf"]').content,
};
const known = new Set();

const now = () => Date.now() + my.skew;
const to = {
  account: tables.account,
  csrf: () => my.csrf,
  changed: refreshActs,
  reached: () => { my.reached = true; },
  silent: () => { my.reached = false; draw(); },
  signedOut: left,
  refresh: () => look({ full: true }),
};

// --- what the server knows ----------------------------------------------------

async function look({ full = false } = {}) {
  const whole = full || my.lost.length > 0 || Date.now() - my.fullAt > FULL_MS;
  const askedAt = Date.now();
  let answer;
  try {
    const query = new URLSearchParams({ seen: my.server.mark, full: String(whole) });
    for (const each of [...my.server.jobs, ...my.lost]) query.append("had", each.id);
    answer = await fetch(`/crew/state?${query}`, { headers: { accept: "application/json" }, cache: "no-store" });
  } catch {
    my.reached = false;
    return draw();
  }
  if (answer.status === 401) return left();
  if (answer.status === 204) { my.reached = true; my.fetchedAt = Date.now(); return draw(); }
  const said = await answer.json().catch(() => null);
  if (!answer.ok || !said) { my.reached = false; return draw(); }
  if (said.account !== tables.account) return location.reload(); // somebody else has signed in on this phone
  my.reached = true;
  my.signedOut = false;
  my.csrf = said.csrf;
  const off = Date.parse(said.now) - Date.now();
  my.skew = Math.abs(off) > 3000 ? off : 0;
  await heard(said, askedAt);
  my.fullAt = Date.now();
  return undefined;
}

async function heard(said, askedAt) {
  my.acts = await actsOf(tables.account);
  const still = new Set(said.jobs.map((job) => job.id));
  for (const job of my.server.jobs) {
    const { status } = stand(job, my.acts, tables, 0);
    const ours = my.acts.some((act) => act.id === job.id && ["clear", "decline"].includes(act.step) && act.state !== "refused");
    if (!still.has(job.id) && !ours && status !== "cleared") my.lost.push({ id: job.id, number: job.number, asked_at: job.asked_at, since: Date.now() });
  }
  settle(still, said.ended ?? {});
  my.server = { ...said, waste: said.waste ?? my.server.waste };
  if (said.waste) my.wasteAt = askedAt;
  my.fetchedAt = Date.now();
  await remember();
  ring(said.jobs);
  draw();
}

/** What vanished was done by the crew itself, or is told with its number as soon as it is known how it ended. */
function settle(still, ended) {
  const lost = my.lost.filter((each) => !still.has(each.id) && !SETTLED.includes(ended[each.id]));
  const over = lost.filter((each) => ended[each.id] || Date.now() - each.since > SURE_MS);
  my.gone.push(...over.map((each) => ({ ...each, how: ended[each.id] })));
  my.lost = lost.filter((each) => !over.includes(each));
  if (my.lost.length) setTimeout(() => look({ full: true }), ASK_AGAIN_MS);
}

const remember = () => keep("state", {
  account: tables.account, server: my.server, fetchedAt: my.fetchedAt, wasteAt: my.wasteAt, skew: my.skew, lost: my.lost, gone: my.gone,
});

function ring(jobs) {
  const fresh = jobs.filter((job) => ["ordered", "offered"].includes(job.status) && !known.has(job.id));
  for (const job of jobs) known.add(job.id);
  if (!fresh.length) return;
  my.chosen = fresh[0].id;
  shake([400, 150, 400, 150, 400]);
  beep();
}

/** Browsers forbid both before the first touch. */
const shake = (pattern) => { if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern); };

let sound = null;
function beep() {
  if (sound?.state !== "running") return;
  for (const n of [0, 0.35, 0.7]) {
    const tone = sound.createOscillator();
    tone.frequency.value = 880;
    tone.connect(sound.destination);
    tone.start(sound.currentTime + n);
    tone.stop(sound.currentTime + n + 0.2);
  }
}
addEventListener("pointerdown", () => { sound ??= window.AudioContext ? new AudioContext() : null; sound?.resume(); }, { once: true });

async function left() {
  my.signedOut = true;
  my.server = NOTHING;
  await wipe();
  draw();
}

async function refreshActs() {
  my.acts = await actsOf(tables.account);
  draw();
}

// --- pressing -------------------------------------------------------------------

async function press(step, body = {}, { hold = HOLD_MS } = {}) {
  const job = my.current;
  if (!job) return;
  const at = new Date(now()).toISOString();
  const extra = step === "accept" || step === "decline" ? {} : my.found;
  if (extra === my.found) my.found = {};
  for (const act of my.acts.filter((each) => each.id === job.id && each.hold_until)) await put({ ...act, hold_until: 0 });
  await queue({ kind: "step", id: job.id, trip_id: job.trip_id, unit_id: job.unit_id, step, at, body: { step, at, ...extra, ...body }, hold_until: hold ? Date.now() + hold : 0 });
  shake(60);
  if (hold) setTimeout(send, hold + 50);
  onward(job, hold);
}

/** In a tour the next stop may be another rider's: shown once this press can no longer be taken back. */
function onward(job, hold) {
  if (!my.server.jobs.some((other) => other.id !== job.id && other.run_id && other.run_id === job.run_id)) return;
  my.chosen = job.id;
  setTimeout(() => { if (my.chosen === job.id) { my.chosen = null; draw(); } }, hold + 60);
}

async function queue(act) {
  await add({ account: tables.account, ...act });
  await refreshActs();
  send();
}

async function send() {
  if (my.signedOut) return;
  await flush(to);
  await refreshActs();
  if (my.acts.some((act) => act.done_at > my.fetchedAt)) await look({ full: true });
}

/** Not sent yet: it never happened. Sent: its time can be put right. */
async function undo() {
  const act = last();
  if (!act) return;
  if (act.state === "waiting" && !act.maybe) {
    await put({ ...act, state: "undone", hold_until: 0 });
    await refreshActs();
    return;
  }
  openTimes(act.step);
}

const last = () => {
  const own = my.acts.filter((act) => act.id === my.current?.id && act.kind === "step" && !act.body.correction && act.state !== "undone");
  const act = own[own.length - 1];
  if (!act || act.state === "refused" || act.state === "set_aside") return null;
  return act.state === "waiting" || Date.now() - act.made_at < CORRECT_MS ? act : null;
};

const ON = {
  decline: (form) => press("decline", one(form, "reason"), { hold: 0 }),
  backup: (form) => aside("backup", { ...one(form, "level"), requirements: form.getAll("requirements") }),
  handover: (form) => aside("handover", { ...one(form, "receiver"), ...one(form, "facility_id"), ...one(form, "handover-outcome", "outcome"), at: new Date(now()).toISOString() }),
  ends: (form) => press("clear", one(form, "outcome")),
  found: async (form) => {
    const km = form.get("odometer_km");
    my.found = { ...one(form, "rc"), ...(km ? { odometer_km: Number(km) } : {}) };
    draw();
  },
  times: (form) => correct(form.get("step"), form.get("time"), form.get("reason")),
};
const one = (form, field, name = field) => (form.get(field) ? { [name]: form.get(field) } : {});
const aside = (kind, body) => queue({ kind, id: my.current.id, step: kind, at: body.at ?? new Date(now()).toISOString(), body, hold_until: 0 });

async function correct(step, typed, reason) {
  const at = instantOf(typed, my.current.times[step], now());
  const own = my.acts.filter((act) => act.id === my.current.id && act.step === step && !act.body.correction);
  const first = own[own.length - 1];
  if (first?.state === "waiting" && !first.maybe) { // nobody has heard the wrong time yet
    await put({ ...first, at, body: { ...first.body, at }, hold_until: 0 });
    await refreshActs();
    return send();
  }
  const whose = first?.step_id ? { correction_of: first.step_id } : { correction: true };
  return queue({ kind: "step", id: my.current.id, step, at, body: { step, at, reason, correction: true, ...whose }, hold_until: 0 });
}

function tell(path, body) {
  const headers = { accept: "application/json", "content-type": "application/json", "x-csrf-token": my.csrf, "idempotency-key": crypto.randomUUID() };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Duty, cleaning and "ready" are about this moment: they are said at once, or not at all. */
async function unitAct(body, button) {
  $("unit-problem").textContent = "";
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await tell("/crew/act", body);
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 401) await left();
    else if (said.code === "people_rely" && window.confirm(said.sentence)) return unitAct({ ...body, confirm: true }, button);
    else if (!answer.ok) $("unit-problem").textContent = said.sentence ?? words.not_now;
  } catch {
    $("unit-problem").textContent = words.needs_signal;
  }
  button.removeAttribute("aria-busy");
  await look({ full: true });
}

// --- decisions ------------------------------------------------------------------

const TROUBLES = {
  again: async (act) => { await put({ ...act, state: "waiting", problem: null }); await refreshActs(); await send(); },
  aside: async (act) => {
    const here = my.server.jobs.some((job) => job.id === act.id);
    for (const each of my.acts.filter((other) => other.key === act.key || (!here && other.id === act.id && other.state === "waiting"))) {
      await put({ ...each, state: "set_aside" });
    }
    await refreshActs();
    await send();
  },
  understood: async (those) => { my.gone = my.gone.filter((each) => !those.includes(each)); await remember(); draw(); },
};

function wire() {
  $("big").addEventListener("click", () => press($("big").dataset.step, {}, { hold: $("big").dataset.step === "accept" ? 0 : HOLD_MS }));
  $("undo").addEventListener("click", undo);
  $("skip-base").addEventListener("click", async () => {
    my.skipped = [...my.skipped, my.current.id];
    await keep("skipped", my.skipped);
    $("sheet-more").close();
    draw();
  });
  $("sign-out").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (my.acts.some((act) => act.state === "waiting") && !confirm(words.sign_out_waiting)) return;
    await wipe();
    $("sign-out").submit();
  });
  $("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme !== "dark";
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    localStorage.setItem("crew-theme", document.documentElement.dataset.theme);
  });
}

// --- beginning --------------------------------------------------------------------

const bags = waste({ my, tables, words, view, queue, at: () => new Date(now()).toISOString() });
const paint = painter({ my, tables, words, desk, view, on: { ...TROUBLES, last, unitAct }, drawWaste: bags.draw });
const drawWhere = whereabouts({ my, words, view, now, post: (fix) => tell("/crew/position", fix) });
function draw() { paint(); drawWhere(); }
const openTimes = sheets({ my, tables, view, acts: { ...ON, ...bags.acts }, now });

async function begin() {
  document.documentElement.dataset.theme = localStorage.getItem("crew-theme") ?? "light";
  const before = await kept("state");
  if (before?.account === tables.account && Date.now() - before.fetchedAt < OLD_MS) {
    Object.assign(my, { server: { ...NOTHING, ...before.server }, fetchedAt: before.fetchedAt, wasteAt: before.wasteAt ?? before.fetchedAt, skew: before.skew });
    my.lost = before.lost ?? [];
    my.gone = (before.gone ?? []).map((each) => (each.id ? each : { id: each })); // a page of before kept the ids alone
    for (const job of my.server.jobs) known.add(job.id);
  } else if (before) await wipe();
  my.skipped = (await kept("skipped")) ?? [];
  wire();
  await refreshActs();
  if (await othersWaiting(tables.account)) $("troubles").after(element("p", { className: "alert", role: "alert", text: words.others_waiting }));
  const visible = () => document.visibilityState === "visible";
  // Listening comes first: the signal may come back while the first question is still failing.
  for (const [target, name] of [[window, "online"], [document, "visibilitychange"], [window, "pageshow"]]) {
    target.addEventListener(name, () => { if (visible()) look({ full: name === "online" }).then(send); });
  }
  addEventListener("offline", () => { my.reached = false; draw(); });
  await look();
  await send();
  setInterval(() => { if (visible()) look().then(send); }, LOOK_MS);
  setInterval(() => { if (visible()) draw(); }, 1000);
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
  navigator.storage?.persist?.();
}

begin();
