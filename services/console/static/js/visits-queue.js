// What a volunteer wrote at somebody's home, kept on the phone until the registry has it, and not a moment longer.
//
// kept:   what was fetched (who is to be visited), under "state".
// drafts: what is being written, by the visit's id.
// acts:   what was sent off: { key, n, account, visit_id, kind, person_id, id, body, state, problem }; waiting or refused.
//         An act that arrived is deleted. Its ids were made here, so that a second try changes nothing.
const NAME = "karuna-visits";
const STORES = ["kept", "drafts", "acts"];
const PATIENCE_MS = 20_000;
const FOREIGN_MS = 7 * 24 * 3600_000;
const LATER = new Set([408, 425, 429]);

let opened = null;
function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("kept");
      asked.result.createObjectStore("drafts", { keyPath: "id" });
      asked.result.createObjectStore("acts", { keyPath: "key" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function on(stores, mode, work) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(stores, mode);
    const asked = work((name) => transaction.objectStore(name));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

export const keep = (value) => on("kept", "readwrite", (of) => of("kept").put(value, "state"));
export const kept = () => on("kept", "readonly", (of) => of("kept").get("state"));
/** Who is to be visited goes; what was written stays until it is sent. */
export const forgetPeople = () => on("kept", "readwrite", (of) => of("kept").clear());
/** Nothing of anybody stays. */
export const wipe = () => on(STORES, "readwrite", (of) => { for (const name of STORES) of(name).clear(); });

export const putDraft = (draft) => on("drafts", "readwrite", (of) => of("drafts").put({ ...draft, at: Date.now() }));
export const dropDraft = (id) => on("drafts", "readwrite", (of) => of("drafts").delete(id));
export const putAct = (act) => on("acts", "readwrite", (of) => of("acts").put(act));
export const dropAct = (key) => on("acts", "readwrite", (of) => of("acts").delete(key));
/** Several at once: all of a visit is written down, or nothing. */
export const addActs = (acts, draft) => on(["acts", "drafts"], "readwrite", (of) => {
  acts.forEach((act, place) => of("acts").put({ n: Date.now() + place / 100, made_at: Date.now(), state: "waiting", ...act }));
  of("drafts").put({ ...draft, at: Date.now() });
});

/** Of this account: drafts by visit, acts in their order, and how many acts of others wait here. */
export async function written(account) {
  const drafts = await on("drafts", "readonly", (of) => of("drafts").getAll());
  const acts = await on("acts", "readonly", (of) => of("acts").getAll());
  const old = Date.now() - FOREIGN_MS;
  for (const draft of drafts) if (draft.account !== account && draft.at < old) await dropDraft(draft.id);
  for (const act of acts) if (act.account !== account && act.made_at < old) await dropAct(act.key);
  return {
    drafts: new Map(drafts.filter((draft) => draft.account === account).map((draft) => [draft.id, draft])),
    acts: acts.filter((act) => act.account === account).sort((one, other) => one.n - other.n),
    others: acts.filter((act) => act.account !== account && act.made_at >= old).length,
  };
}

let running = false;
let again = false;
/**
 * Send what waits, one after another. A refusal stops the acts of its own visit, silence stops everything.
 * `to`: { account, csrf(), arrived(act, said), silent(), signedOut(), refresh() }.
 */
export async function flush(to) {
  if (running) { again = true; return; }
  running = true;
  try {
    do {
      again = false;
      await (navigator.locks ? navigator.locks.request(NAME, () => pass(to)) : pass(to));
    } while (again);
  } finally {
    running = false;
  }
}

async function pass(to) {
  const held = new Set();
  for (const act of (await written(to.account)).acts) {
    if (act.state === "refused") held.add(act.visit_id);
    if (held.has(act.visit_id)) continue;
    const verdict = await send(to, act);
    if (verdict === "stop") return;
    if (verdict === "refused") held.add(act.visit_id);
  }
}

async function send(to, act) {
  const answer = await tried(to, act);
  if (answer === null) { to.silent(); return "stop"; }
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401) { to.signedOut(); return "stop"; }
  if (answer.status === 403 && said.code === "csrf") { await to.refresh(); return "stop"; }
  if (LATER.has(answer.status) || answer.status >= 500) { to.silent(); return "stop"; }
  if (answer.ok) {
    await dropAct(act.key);
    await to.arrived(act, said);
    return "on";
  }
  await putAct({ ...act, state: "refused", problem: said.sentence ?? `${answer.status}` });
  return "refused";
}

async function tried(to, act) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    return await fetch("/visits/act", {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json", "x-csrf-token": to.csrf(), "idempotency-key": act.key },
      body: JSON.stringify({ kind: act.kind, id: act.id, person_id: act.person_id, body: act.body }),
      signal: patience.signal,
    });
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
