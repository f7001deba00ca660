// The pages of crews and volunteers without signal: their shells are kept on the phone. Nothing else of the console is
// touched, and no answer with anybody's data is kept here: a page itself remembers its trip or its visits, and forgets
// them at sign-out. What was written and not sent stays for its writer, from whatever page somebody signs out.
const NAME = "karuna-crew-__VERSION__";
const SHELL = ["__SHELL__"];
const PAGES = ["/crew", "/visits"];
/** Database → what goes when somebody signs in or out. What a crew pressed holds codes and times alone. */
const GOES = { "karuna-crew": ["kept"], "karuna-visits": ["kept"] };
/** What goes too at sign-out where nothing is unsent: what it was sealed with. */
const UNSENT = ["drafts", "acts"];
const SEALED = ["pictures", "keys"];
const PATIENCE_MS = 5000;

self.addEventListener("install", (event) => {
  const fill = async () => {
    const kept = await caches.open(NAME);
    await kept.addAll(SHELL.map((path) => new Request(path, { cache: "no-cache" })));
    for (const path of PAGES) {
      const page = await fetch(path, { redirect: "manual" }).catch(() => null);
      if (page?.ok) await kept.put(path, page);
    }
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith("karuna-crew-") && name !== NAME) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin) return;
  const asked = url.pathname + url.search;
  const left = url.pathname === "/sign-out";
  if (event.request.method === "POST" && (left || url.pathname.endsWith("sign-in"))) event.waitUntil(forget(left));
  else if (event.request.mode === "navigate" && PAGES.includes(url.pathname)) event.respondWith(page(event.request, url.pathname));
  else if (event.request.method === "GET" && SHELL.includes(asked)) event.respondWith(shell(event.request));
});

/** Fresh where there is signal; the kept one where there is none. Signed out: what was kept goes. */
async function page(request, path) {
  const kept = await caches.open(NAME);
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS, null); });
  const fresh = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) await kept.put(path, answer.clone());
    else if (answer.type === "opaqueredirect" || answer.redirected) await forget(true); // signed out from afar: a lost phone
    return answer;
  });
  const first = await Promise.race([fresh.catch(() => null), late]);
  return first ?? (await kept.match(path)) ?? fresh;
}

async function shell(request) {
  const kept = await caches.open(NAME);
  return (await kept.match(request)) ?? fetch(request);
}

/** Somebody leaves this phone, or another one comes: the last pages and whom they showed go. */
async function forget(left) {
  const kept = await caches.open(NAME);
  for (const path of PAGES) await kept.delete(path);
  for (const [name, stores] of Object.entries(GOES)) await clear(name, stores);
  if (left) await clear("karuna-visits", SEALED, UNSENT);
}

/** Empty these stores; with `unless`: only where those hold nothing. */
function clear(name, stores, unless = []) {
  return new Promise((resolve) => {
    const asked = indexedDB.open(name);
    asked.onupgradeneeded = () => asked.transaction.abort(); // there was nothing: make nothing
    asked.onerror = resolve;
    asked.onsuccess = () => {
      const db = asked.result;
      const [there, held] = [stores, unless].map((each) => each.filter((store) => db.objectStoreNames.contains(store)));
      if (!there.length) { db.close(); resolve(); return; }
      const wiping = db.transaction([...there, ...held], "readwrite");
      const wipe = ([first, ...rest]) => {
        if (first) wiping.objectStore(first).count().onsuccess = ({ target }) => { if (!target.result) wipe(rest); };
        else for (const store of there) wiping.objectStore(store).clear();
      };
      wipe(held);
      wiping.oncomplete = wiping.onerror = () => { db.close(); resolve(); };
    };
  });
}
