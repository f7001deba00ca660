// The crew's page: one button that always does the next step, with or without signal.
const LOOK_MS = 10_000;
const FULL_MS = 60_000;
const HOLD_MS = 4_000;
const CORRECT_MS = 30 * 60_000;
const OLD_MS = 12 * 3600_000;
const tables = JSON.parse(document.getElementById("tables").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
// By the addresses the page names, which change with their content: old and new never meet after an update.
const { acts: actsOf, add, flush, keep, kept, othersWaiting, put, wipe } = await import(tables.modules.queue);
const {
  $, clock, drawLog, drawTimes, drawTroubles, element, goingHome, icon, instantOf, nextStep, say, showDistances, stand,
} = await import(tables.modules.view);
const desk = document.querySelector('#next a[href^="tel:"]')?.getAttribute("href").slice(4) ?? "";
const NOTHING = { mark: "", units: [], jobs: [], home: [], facilities: [] };

let server = NOTHING;
let fetchedAt = 0; // when this phone heard it
let fullAt = 0;
let acts = [];
let gone = [];
let skipped = [];
let found = {}; // what the crew found, to go with its next step
let current = null;
let chosen = null;
let reached = true;
let signedOut = false;
let skew = 0;
let csrf = document.querySelector('meta[name="csrf"]').content;
let drawn = "";
const known = new Set();

const now = () => Date.now() + skew;
const to = {
  account: tables.account,
  csrf: () => csrf,
  changed: refreshActs,
  reached: () => { reached = true; },
  silent: () => { reached = false; draw(); },
  signedOut: left,
  refresh: () => look({ full: true }),
};

// --- what the server knows ----------------------------------------------------

async function look({ full = false } = {}) {
  const whole = full || Date.now() - fullAt > FULL_MS;
  let answer;
  try {
    const query = new URLSearchParams({ seen: server.mark, full: String(whole) });
    answer = await fetch(`/crew/state?${query}`, { headers: { accept: "application/json" }, cache: "no-store" });
  } catch {
    reached = false;
    return draw();
  }
  if (answer.status === 401) return left();
  if (answer.status === 204) { reached = true; fetchedAt = Date.now(); return draw(); }
  const said = await answer.json().catch(() => null);
  if (!answer.ok || !said) { reached = false; return draw(); }
  if (said.account !== tables.account) return location.reload(); // somebody else has signed in on this phone
  reached = true;
  signedOut = false;
  csrf = said.csrf;
  const off = Date.parse(said.now) - Date.now();
  skew = Math.abs(off) > 3000 ? off : 0;
  await heard(said);
  fullAt = Date.now();
  return undefined;
}

async function heard(said) {
  acts = await actsOf(tables.account);
  const still = new Set(said.jobs.map((job) => job.id));
  for (const job of server.jobs) {
    const { status } = stand(job, acts, tables, 0);
    const ours = acts.some((act) => act.id === job.id && ["clear", "decline"].includes(act.step) && act.state !== "refused");
    if (!still.has(job.id) && !ours && status !== "cleared") gone.push(job.id);
  }
  server = said;
  fetchedAt = Date.now();
  await keep("state", { account: tables.account, server, fetchedAt, skew, gone });
  ring(said.jobs);
  draw();
}

function ring(jobs) {
  const fresh = jobs.filter((job) => ["ordered", "offered"].includes(job.status) && !known.has(job.id));
  for (const job of jobs) known.add(job.id);
  if (!fresh.length) return;
  chosen = fresh[0].id;
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
  signedOut = true;
  server = NOTHING;
  await wipe();
  draw();
}

async function refreshActs() {
  acts = await actsOf(tables.account);
  draw();
}

// --- pressing -------------------------------------------------------------------

async function press(step, body = {}, { hold = HOLD_MS } = {}) {
  const job = current;
  if (!job) return;
  const at = new Date(now()).toISOString();
  const extra = step === "accept" || step === "decline" ? {} : found;
  found = step === "accept" || step === "decline" ? found : {};
  for (const act of acts.filter((each) => each.id === job.id && each.hold_until)) await put({ ...act, hold_until: 0 });
  await queue({ kind: "step", id: job.id, step, at, body: { step, at, ...extra, ...body }, hold_until: hold ? Date.now() + hold : 0 });
  shake(60);
  if (hold) setTimeout(send, hold + 50);
}

async function queue(act) {
  await add({ account: tables.account, ...act });
  await refreshActs();
  send();
}

async function send() {
  if (signedOut) return;
  await flush(to);
  await refreshActs();
  if (acts.some((act) => act.done_at > fetchedAt)) await look({ full: true });
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
  const own = acts.filter((act) => act.id === current?.id && act.kind === "step" && !act.body.correction && act.state !== "undone");
  const act = own[own.length - 1];
  if (!act || act.state === "refused" || act.state === "set_aside") return null;
  return act.state === "waiting" || Date.now() - act.made_at < CORRECT_MS ? act : null;
};

const ON = {
  decline: (form) => press("decline", one(form, "reason"), { hold: 0 }),
  backup: (form) => aside("backup", { requirements: form.getAll("requirements") }),
  handover: (form) => aside("handover", { ...one(form, "receiver"), ...one(form, "facility_id"), ...one(form, "handover-outcome", "outcome"), at: new Date(now()).toISOString() }),
  ends: (form) => press("clear", one(form, "outcome")),
  found: async (form) => {
    const km = form.get("odometer_km");
    found = { ...one(form, "rc"), ...(km ? { odometer_km: Number(km) } : {}) };
    draw();
  },
  times: (form) => correct(form.get("step"), form.get("time"), form.get("reason")),
};
const one = (form, field, name = field) => (form.get(field) ? { [name]: form.get(field) } : {});
const aside = (kind, body) => queue({ kind, id: current.id, step: kind, at: body.at ?? new Date(now()).toISOString(), body, hold_until: 0 });

async function correct(step, typed, reason) {
  const at = instantOf(typed, current.times[step], now());
  const own = acts.filter((act) => act.id === current.id && act.step === step && !act.body.correction);
  const first = own[own.length - 1];
  if (first?.state === "waiting" && !first.maybe) { // nobody has heard the wrong time yet
    await put({ ...first, at, body: { ...first.body, at }, hold_until: 0 });
    await refreshActs();
    return send();
  }
  const whose = first?.step_id ? { correction_of: first.step_id } : { correction: true };
  return queue({ kind: "step", id: current.id, step, at, body: { step, at, reason, correction: true, ...whose }, hold_until: 0 });
}

/** Duty and cleaning are about this moment: they are said at once, or not at all. */
async function unitAct(body, button) {
  $("unit-problem").textContent = "";
  button.setAttribute("aria-busy", "true");
  try {
    const headers = { accept: "application/json", "content-type": "application/json", "x-csrf-token": csrf, "idempotency-key": crypto.randomUUID() };
    const answer = await fetch("/crew/act", { method: "POST", headers, body: JSON.stringify(body) });
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 401) await left();
    else if (!answer.ok) $("unit-problem").textContent = said.sentence ?? words.not_now;
  } catch {
    $("unit-problem").textContent = words.needs_signal;
  }
  button.removeAttribute("aria-busy");
  await look({ full: true });
}

// --- drawing --------------------------------------------------------------------

function draw() {
  const standing = server.jobs.map((job) => stand(job, acts, tables, fetchedAt)).filter((job) => !["declined", "at_base"].includes(job.status));
  const open = standing.filter((job) => job.status !== "cleared");
  const home = goingHome(acts, server.home, skipped).map((job) => stand(job, acts, tables, fetchedAt)).filter((job) => job.status === "cleared");
  current = open.find((job) => job.id === chosen) ?? open[0] ?? home[0] ?? null;
  drawSync();
  drawTroubles(acts, gone, new Set(open.map((job) => job.id)), { tables, words, desk, on: TROUBLES });
  drawJob(open);
  drawTimes(current, tables, words);
  drawNext();
  drawUnit(open.length > 0);
  drawLog(acts, tables, words);
}

function drawSync() {
  const waiting = acts.filter((act) => act.state === "waiting").length;
  const line = $("sync");
  const tone = signedOut || !reached ? "tone-bad" : waiting ? "tone-wait" : "tone-done";
  const parts = [];
  if (signedOut) parts.push(words.signed_out);
  else if (!reached) parts.push(say(words.no_signal, { at: fetchedAt ? clock(new Date(fetchedAt).toISOString()) : "–" }));
  else if (!waiting) parts.push(words.all_sent);
  if (waiting) parts.push(say(words.waiting, { n: waiting }));
  const text = parts.join(" · ");
  line.className = `sync ${tone}`;
  if (line.dataset.text === text) return;
  line.dataset.text = text;
  line.replaceChildren(element("span", { text }));
  if (signedOut) line.append(element("a", { className: "button", href: "/sign-in?next=/crew", text: words.sign_in }));
}

function drawJob(open) {
  const html = current?.html ?? "";
  if (html !== drawn) {
    drawn = html;
    $("job").innerHTML = html; // escaped by the server's template
    showDistances($("job"), words);
  }
  const others = open.filter((job) => job.id !== current?.id);
  $("others").hidden = !others.length;
  $("others").querySelector("ul").replaceChildren(...others.map((job) => {
    const title = new DOMParser().parseFromString(job.html, "text/html").querySelector("h1")?.textContent ?? "";
    const button = element("button", { type: "button", className: "wide", text: title });
    button.addEventListener("click", () => { chosen = job.id; draw(); scrollTo(0, 0); });
    return element("li", {}, button);
  }));
}

function drawNext() {
  const step = current && !signedOut ? nextStep(current, tables) : null;
  $("next").hidden = !step;
  document.body.classList.toggle("has-next", Boolean(step));
  $("idle").hidden = Boolean(current?.html) || signedOut;
  if (!$("idle").hidden) {
    const off = server.units.every((unit) => unit.duty !== "on_duty");
    $("idle-title").textContent = current ? words.homeward : off ? words.off_duty : words.idle;
    $("idle-hint").textContent = current ? words.homeward_hint : off ? words.off_duty_hint : words.idle_hint;
  }
  if (!step) return;
  const big = $("big");
  if (big.dataset.step !== step || big.dataset.job !== current.id) {
    Object.assign(big.dataset, { step, job: current.id });
    big.className = `big tone-${tables.tones[step].tone} ${step === "accept" ? "big-accept" : ""}`;
    big.replaceChildren(icon(tables.tones[step].icon), element("span", { text: tables.steps[step] }));
  }
  const act = last();
  const held = act?.state === "waiting" && act.hold_until > Date.now();
  const rc = Object.keys(found).length ? ` · ${words.found_kept}` : "";
  $("next-hint").textContent = (act ? say(held ? words.pressed_held : act.state === "waiting" ? words.pressed_waiting : words.pressed, { step: tables.steps[act.step], at: clock(act.at) }) : words.next) + rc;
  $("undo").disabled = !act;
  $("undo").querySelector("span").textContent = act && !(act.state === "waiting" && !act.maybe) ? words.correct_short : words.undo;
}

function drawUnit(busy) {
  const unit = server.units[0];
  $("unit-name").textContent = unit ? `${unit.call_sign}` : words.title;
  $("unit").hidden = !unit || signedOut || (busy && unit.cleanliness === "clean");
  if (!unit) return;
  const buttons = [];
  const button = (text, body, className = "wide") => {
    const made = element("button", { type: "button", text, className });
    made.addEventListener("click", () => unitAct(body, made));
    buttons.push(made);
  };
  if (unit.cleanliness !== "clean") button(words.cleaned, { kind: "disinfected", id: unit.id }, "wide primary");
  if (!busy && unit.duty !== "on_duty") button(words.go_on_duty, { kind: "duty", id: unit.id, on: true }, "wide primary");
  if (!busy && unit.duty === "on_duty") button(words.go_off_duty, { kind: "duty", id: unit.id, on: false });
  const told = [words[`duty_${unit.duty}`], unit.cleanliness === "clean" ? "" : words.contaminated].filter(Boolean).join(" · ");
  const print = told + buttons.map((each) => each.textContent).join();
  if ($("unit").dataset.print === print) return;
  $("unit").dataset.print = print;
  $("unit-state").textContent = told;
  $("unit").querySelector(".unit-buttons").replaceChildren(...buttons);
}

// --- sheets and decisions ---------------------------------------------------------

const TROUBLES = {
  again: async (act) => { await put({ ...act, state: "waiting", problem: null }); await refreshActs(); await send(); },
  aside: async (act) => {
    const here = server.jobs.some((job) => job.id === act.id);
    for (const each of acts.filter((other) => other.key === act.key || (!here && other.id === act.id && other.state === "waiting"))) {
      await put({ ...each, state: "set_aside" });
    }
    await refreshActs();
    await send();
  },
  understood: async (id) => { gone = gone.filter((each) => each !== id); draw(); },
};

function openTimes(step) {
  const select = $("correct-step");
  const steps = tables.stamps.filter(([code]) => current.times[code]);
  select.replaceChildren(...steps.map(([code, label]) => element("option", { value: code, text: label })));
  select.value = step && current.times[step] ? step : steps[steps.length - 1]?.[0] ?? "";
  fillTime();
  $("sheet-times").showModal();
}
const fillTime = () => { $("correct-time").value = clock(current.times[$("correct-step").value], true); };

function wire() {
  $("big").addEventListener("click", () => press($("big").dataset.step, {}, { hold: $("big").dataset.step === "accept" ? 0 : HOLD_MS }));
  $("undo").addEventListener("click", undo);
  $("more").addEventListener("click", () => {
    for (const each of $("sheet-more").querySelectorAll("[data-when]")) each.hidden = !each.dataset.when.split(" ").includes(current.status);
    $("sheet-more").showModal();
  });
  $("skip-base").addEventListener("click", async () => {
    skipped = [...skipped, current.id];
    await keep("skipped", skipped);
    $("sheet-more").close();
    draw();
  });
  for (const each of document.querySelectorAll("[data-sheet]")) {
    each.addEventListener("click", () => {
      $("sheet-more").close();
      if (each.dataset.sheet === "times") { openTimes(); return; }
      fillFacilities();
      $(`sheet-${each.dataset.sheet}`).showModal();
    });
  }
  for (const form of document.querySelectorAll("form[data-act]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = new FormData(form);
      form.closest("dialog").close();
      await ON[form.dataset.act](said);
      form.reset();
    });
  }
  for (const each of document.querySelectorAll("[data-close]")) each.addEventListener("click", () => each.closest("dialog").close());
  $("correct-step").addEventListener("change", fillTime);
  for (const each of document.querySelectorAll("[data-minutes]")) {
    each.addEventListener("click", () => {
      const minutes = Number(each.dataset.minutes);
      const from = minutes ? Date.parse(instantOf($("correct-time").value, current.times[$("correct-step").value], now())) + minutes * 60_000 : now();
      $("correct-time").value = clock(new Date(from).toISOString(), true);
    });
  }
  $("sign-out").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (acts.some((act) => act.state === "waiting") && !confirm(words.sign_out_waiting)) return;
    await wipe();
    $("sign-out").submit();
  });
  $("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme !== "dark";
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    localStorage.setItem("crew-theme", document.documentElement.dataset.theme);
  });
}

function fillFacilities() {
  const select = document.querySelector("[data-facilities]");
  const options = server.facilities.map((each) => element("option", { value: each.id, text: each.name }));
  select.replaceChildren(select.options[0], ...options);
  select.value = current?.facility_id ?? "";
}

// --- beginning --------------------------------------------------------------------

async function begin() {
  document.documentElement.dataset.theme = localStorage.getItem("crew-theme") ?? "light";
  const before = await kept("state");
  if (before?.account === tables.account && Date.now() - before.fetchedAt < OLD_MS) {
    ({ server, fetchedAt, skew } = before);
    gone = before.gone ?? [];
    for (const job of server.jobs) known.add(job.id);
  } else if (before) await wipe();
  skipped = (await kept("skipped")) ?? [];
  wire();
  await refreshActs();
  if (await othersWaiting(tables.account)) $("troubles").after(element("p", { className: "alert", role: "alert", text: words.others_waiting }));
  await look();
  await send();
  const visible = () => document.visibilityState === "visible";
  setInterval(() => { if (visible()) look().then(send); }, LOOK_MS);
  setInterval(() => { if (visible()) draw(); }, 1000);
  for (const [target, name] of [[window, "online"], [document, "visibilitychange"], [window, "pageshow"]]) {
    target.addEventListener(name, () => { if (visible()) look({ full: name === "online" }).then(send); });
  }
  addEventListener("offline", () => { reached = false; draw(); });
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
  navigator.storage?.persist?.();
}

begin();
