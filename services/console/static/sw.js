// The crew's page without signal: its shell is kept on the phone. Nothing else of the console is touched, and no
// answer with anybody's data is kept here: the page itself remembers its one trip, and forgets it at sign-out.
const NAME = "karuna-crew-__VERSION__";
const SHELL = ["__SHELL__"];
const PAGE = "/crew";
const PATIENCE_MS = 5000;

self.addEventListener("install", (event) => {
  const fill = async () => {
    const kept = await caches.open(NAME);
    await kept.addAll(SHELL.map((path) => new Request(path, { cache: "no-cache" })));
    const page = await fetch(PAGE, { redirect: "manual" }).catch(() => null);
    if (page?.ok) await kept.put(PAGE, page);
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
  if (event.request.method === "POST" && (url.pathname === "/sign-out" || url.pathname.endsWith("sign-in"))) event.waitUntil(forget());
  else if (event.request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(event.request));
  else if (event.request.method === "GET" && SHELL.includes(asked)) event.respondWith(shell(event.request));
});

/** Fresh where there is signal; the kept one where there is none. Signed out: the kept one goes. */
async function page(request) {
  const kept = await caches.open(NAME);
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS, null); });
  const fresh = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) await kept.put(PAGE, answer.clone());
    else if (answer.type === "opaqueredirect" || answer.redirected) await kept.delete(PAGE);
    return answer;
  });
  const first = await Promise.race([fresh.catch(() => null), late]);
  return first ?? (await kept.match(PAGE)) ?? fresh;
}

async function shell(request) {
  const kept = await caches.open(NAME);
  return (await kept.match(request)) ?? fetch(request);
}

/** Somebody leaves this phone, or another one comes: the last page and the last trip go. */
async function forget() {
  const kept = await caches.open(NAME);
  await kept.delete(PAGE);
  await new Promise((resolve) => {
    const asked = indexedDB.open("karuna-crew");
    asked.onupgradeneeded = () => asked.transaction.abort(); // there was nothing: make nothing
    asked.onerror = resolve;
    asked.onsuccess = () => {
      const db = asked.result;
      if (!db.objectStoreNames.contains("kept")) { db.close(); resolve(); return; }
      const wiping = db.transaction("kept", "readwrite");
      wiping.objectStore("kept").clear();
      wiping.oncomplete = wiping.onerror = () => { db.close(); resolve(); };
    };
  });
}
