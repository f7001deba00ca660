// What a crew pressed, kept on the phone until dispatch has it: in order, with its own time, each exactly once.
//
// An act: { key, n, account, kind, id, step, at, body, state, hold_until, maybe, problem, step_id, done_at }.
// Its key is the Idempotency-Key of every try. States: waiting, done, noted (somebody had reported it already),
// refused (shown until somebody decides), set_aside and undone (kept in the list of the day, never sent).
const NAME = "karuna-crew";
const PATIENCE_MS = 20_000;
const KEPT_MS = 24 * 3600_000;
const LATER = new Set([408, 425, 429]);

let opened = null;
function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("acts", { keyPath: "key" });
      asked.result.createObjectStore("kept");
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function on(store, mode, work) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(store, mode);
    const asked = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

export const keep = (name, value) => on("kept", "readwrite", (store) => store.put(value, name));
export const kept = (name) => on("kept", "readonly", (store) => store.get(name));
/** Nothing of anybody stays: the last trip goes. What was pressed holds codes and times alone, and stays until sent. */
export const wipe = () => on("kept", "readwrite", (store) => store.clear());

export const put = (act) => on("acts", "readwrite", (store) => store.put(act));
const drop = (key) => on("acts", "readwrite", (store) => store.delete(key));

/** Acts of this account in their order; those long done are forgotten. */
export async function acts(account) {
  const found = await on("acts", "readonly", (store) => store.getAll());
  const old = found.filter((act) => act.state !== "waiting" && act.state !== "refused" && act.made_at < Date.now() - KEPT_MS);
  for (const act of old) await drop(act.key);
  return found.filter((act) => act.account === account && !old.includes(act)).sort((a, b) => a.n - b.n);
}

/** Acts of somebody else who used this phone and left before they were sent. */
export async function othersWaiting(account) {
  const found = await on("acts", "readonly", (store) => store.getAll());
  return found.filter((act) => act.account !== account && act.state === "waiting").length;
}

/** Write an act down before anything else happens with it. */
export async function add(act) {
  const made = { key: crypto.randomUUID(), n: Date.now() + Math.random(), made_at: Date.now(), state: "waiting", ...act };
  await put(made);
  return made;
}

let running = false;
let again = false;
/**
 * Send what waits, one after another. A refusal stops the acts of its own trip, silence stops everything.
 * `to`: { account, csrf(), changed(), reached(), silent(), signedOut(), refresh() }.
 */
export async function flush(to) {
  if (running) { again = true; return; }
  running = true;
  try {
    do {
      again = false;
      await (navigator.locks ? navigator.locks.request("karuna-crew", () => pass(to)) : pass(to));
    } while (again);
  } finally {
    running = false;
  }
}

async function pass(to) {
  const held = new Set();
  for (const act of await acts(to.account)) {
    if (act.state === "refused") held.add(act.id);
    if (act.state !== "waiting" || held.has(act.id)) continue;
    if (act.hold_until > Date.now()) { held.add(act.id); continue; }
    const verdict = await send(to, act);
    if (verdict === "stop") return;
    if (act.state === "refused") held.add(act.id);
    await to.changed();
  }
}

/** One try. Afterwards the act says how it went. */
async function send(to, act) {
  const answer = await tried(to, act);
  if (answer === null) {
    act.maybe = true; // it may have arrived: from now on only the answer can tell
    await put(act);
    to.silent();
    return "stop";
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401) { to.signedOut(); return "stop"; }
  if (answer.status === 403 && said.code === "csrf") { await to.refresh(); return "stop"; }
  if (LATER.has(answer.status) || answer.status >= 500) {
    act.maybe = true;
    await put(act);
    to.silent();
    return "stop";
  }
  to.reached();
  act.maybe = false;
  act.done_at = Date.now();
  if (answer.ok) Object.assign(act, { state: "done", step_id: said.step_id ?? null });
  else if (said.code === "already_done" && act.kind === "step" && !act.body.correction) act.state = "noted";
  else Object.assign(act, { state: "refused", problem: { code: said.code ?? "", sentence: said.sentence ?? `${answer.status}` } });
  await put(act);
  return "on";
}

async function tried(to, act) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    return await fetch("/crew/act", {
      method: "POST",
      headers: {
        accept: "application/json", "content-type": "application/json", "x-csrf-token": to.csrf(), "idempotency-key": act.key,
      },
      body: JSON.stringify({ kind: act.kind, id: act.id, ...act.body }),
      signal: patience.signal,
    });
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
