// What a volunteer wrote at somebody's home, kept on the phone until the registry has it, and not a moment longer.
//
// kept:     what was fetched (who is to be visited), as "state".
// drafts:   what is being written, by the visit's id.
// acts:     what was sent off: { key, n, account, visit_id, kind, person_id, id, body, state, problem }; waiting or refused.
//           An act that arrived is deleted. Its ids were made here, so that a second try changes nothing.
// pictures: { id, data }: a picture that a draft or an act names.
//
// Every row is sealed (AES-GCM; store and id are the associated data) under a key that the browser shows to no script and
// that goes at sign-out, unless something here is still to be sent, whoever wrote it: that waits for its writer, and its
// key with it. It guards what a copy of the phone's memory still holds after that, not an unlocked phone.
const NAME = "karuna-visits";
const STORES = { kept: "id", drafts: "id", acts: "key", pictures: "id" };
const PATIENCE_MS = 20_000;
const PICTURE_PATIENCE_MS = 90_000;
const FOREIGN_MS = 7 * 24 * 3600_000;
const LATER = new Set([408, 425, 429]);

/** What the page says where two versions of it meet: `waits(yes)`: an old tab holds the store; `left()`: this one is the old. */
export const met = { waits: () => {}, left: () => {} };

let opened = null;
function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 2);
    asked.onupgradeneeded = ({ oldVersion }) => {
      const db = asked.result;
      if (oldVersion === 1) db.deleteObjectStore("kept"); // it is fetched again; drafts and acts stay as they are
      for (const [name, keyPath] of Object.entries(STORES)) if (!db.objectStoreNames.contains(name)) db.createObjectStore(name, { keyPath });
      db.createObjectStore("keys");
    };
    asked.onblocked = () => met.waits(true);
    asked.onsuccess = () => {
      met.waits(false);
      asked.result.onversionchange = () => { asked.result.close(); met.left(); };
      resolve(asked.result);
    };
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

// --- sealing ------------------------------------------------------------------

/** The phone's key; made where there is none. Asked for each time: signing out on another page takes it away. */
async function key() {
  const there = await on("keys", "readonly", (of) => of("keys").get("key"));
  if (there) return there;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const first = await on("keys", "readwrite", (of) => {
    const asked = of("keys").get("key");
    asked.onsuccess = () => asked.result ?? of("keys").put(made, "key"); // another page may have been faster
    return asked;
  });
  return first ?? made;
}

const place = (name, id, iv) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(`${name}/${id}`) });

async function seal(by, name, value) {
  const [path, iv] = [STORES[name], crypto.getRandomValues(new Uint8Array(12))];
  const plain = value.data ?? new TextEncoder().encode(JSON.stringify(value));
  return { [path]: value[path], iv, sealed: await crypto.subtle.encrypt(place(name, value[path], iv), by, plain) };
}

/** What was sealed; null where its key is gone. Rows of before there was a key are as they are. */
async function unseal(by, name, row) {
  if (!row?.sealed) return row ?? null;
  const id = row[STORES[name]];
  try {
    const plain = await crypto.subtle.decrypt(place(name, id, row.iv), by, row.sealed);
    return name === "pictures" ? { id, data: plain } : JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return null;
  }
}

/** All of it or nothing. `puts`: [store, value]; `drops`: [store, key]. */
async function write(puts, drops = []) {
  const by = puts.length ? await key() : null;
  const rows = await Promise.all(puts.map(async ([name, value]) => [name, await seal(by, name, value)]));
  const stores = [...new Set([...puts, ...drops].map(([name]) => name))];
  return stores.length ? on(stores, "readwrite", (of) => {
    for (const [name, row] of rows) of(name).put(row);
    for (const [name, id] of drops) of(name).delete(id);
  }) : undefined;
}

async function all(name) {
  const rows = await on(name, "readonly", (of) => of(name).getAll());
  const by = rows.length ? await key() : null;
  return (await Promise.all(rows.map((row) => unseal(by, name, row)))).filter(Boolean);
}

async function one(name, id) {
  const row = await on(name, "readonly", (of) => of(name).get(id));
  return row ? unseal(await key(), name, row) : null;
}

// --- what is kept -------------------------------------------------------------

export const keep = (value) => write([["kept", { id: "state", ...value }]]);
export const kept = () => one("kept", "state");
/** Who is to be visited goes; what was written stays until it is sent. */
export const forgetPeople = () => on("kept", "readwrite", (of) => of("kept").clear());
/** At sign-out (as sw.js does from other pages): who is to be visited goes; with nothing unsent of anybody the key too. */
export const leave = () => on([...Object.keys(STORES), "keys"], "readwrite", (of) => {
  of("kept").clear();
  of("drafts").count().onsuccess = ({ target: drafts }) => {
    of("acts").count().onsuccess = ({ target: acts }) => {
      if (!drafts.result && !acts.result) for (const name of ["pictures", "keys"]) of(name).clear();
    };
  };
});

/** `taken`: { id, data } of a picture that the draft names from now on; `away`: the id of one that it names no more. */
export const putDraft = (draft, { taken, away } = {}) => write(
  [["drafts", { ...draft, at: Date.now() }], ...(taken ? [["pictures", taken]] : [])], away ? [["pictures", away]] : []);
/** With the pictures that nothing else names. */
export const dropDraft = (draft) => write([], [["drafts", draft.id], ...(draft.pictures ?? []).map((id) => ["pictures", id])]);
export const putAct = (act) => write([["acts", act]]);
export const dropAct = (act) => write([], [["acts", act.key], ...(act.kind === "picture" ? [["pictures", act.id]] : [])]);
export const picture = async (id) => (await one("pictures", id))?.data ?? null;
/** Several at once: all of a visit is written down, or nothing. */
export const addActs = (acts, draft) => write([
  ...acts.map((act, after) => ["acts", { n: Date.now() + after / 100, made_at: Date.now(), state: "waiting", ...act }]),
  ["drafts", { ...draft, at: Date.now() }],
]);

/** Of this account: drafts by visit, acts in their order, and how much of others is unsent here. */
export async function written(account) {
  const [drafts, acts] = [await all("drafts"), await all("acts")];
  const old = Date.now() - FOREIGN_MS;
  for (const draft of drafts) if (draft.account !== account && draft.at < old) await dropDraft(draft);
  for (const act of acts) if (act.account !== account && act.made_at < old) await dropAct(act);
  return {
    drafts: new Map(drafts.filter((draft) => draft.account === account).map((draft) => [draft.id, draft])),
    acts: acts.filter((act) => act.account === account).sort((one, other) => one.n - other.n),
    others: acts.filter((act) => act.account !== account && act.made_at >= old).length
      + drafts.filter((draft) => draft.account !== account && draft.at >= old && !draft.sent).length,
  };
}

// --- sending ------------------------------------------------------------------

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
    await dropAct(act);
    await to.arrived(act, said);
    return "on";
  }
  await putAct({ ...act, state: "refused", problem: said.sentence ?? `${answer.status}` });
  return "refused";
}

async function tried(to, act) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), act.kind === "picture" ? PICTURE_PATIENCE_MS : PATIENCE_MS);
  const headers = { accept: "application/json", "x-csrf-token": to.csrf() };
  try {
    return await (act.kind === "picture" ? sendPicture(act, headers, patience.signal) : fetch("/visits/act", {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "idempotency-key": act.key },
      body: JSON.stringify({ kind: act.kind, id: act.id, person_id: act.person_id, body: act.body }),
      signal: patience.signal,
    }));
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** By the picture's own id, after its visit. One whose content is gone from this phone has nothing to send. */
async function sendPicture(act, headers, signal) {
  const body = await picture(act.id);
  if (body === null) return new Response("{}");
  const asked = { method: "POST", headers: { ...headers, "content-type": "application/octet-stream" }, body, signal };
  return fetch(`/visits/pictures/${act.id}?visit_id=${act.visit_id}`, asked);
}
