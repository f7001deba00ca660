// The desk while the console cannot be reached: its empty sheet and what it is made of stay in this browser.
// Answers with anybody's data are never kept here; calls that wait are kept by the page itself.
const NAME = "karuna-desk-1";
const PAGE = "/desk";
const ours = (url) => url.origin === self.location.origin && (url.pathname === PAGE || url.pathname.startsWith("/static/"));

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith("karuna-desk-") && name !== NAME) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});
// The page tells what it is made of: it was loaded before this worker stood beside it.
self.addEventListener("message", (event) => {
  const keep = async () => {
    const kept = await caches.open(NAME);
    const wanted = event.data.filter((each) => ours(new URL(each, self.location.origin)));
    await Promise.all(wanted.map((each) => kept.add(each).catch(() => {})));
    event.source?.postMessage("kept");
  };
  event.waitUntil(keep());
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && ours(url)) event.respondWith(fresh(event.request, url));
});

/** Fresh where somebody answers, else what was kept. */
async function fresh(request, url) {
  const kept = await caches.open(NAME);
  const key = url.pathname === PAGE ? PAGE : request;
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected && !url.searchParams.has("lang")) await kept.put(key, answer.clone());
    return answer;
  } catch (problem) {
    const old = (await kept.match(key)) ?? (await kept.match(url.pathname, { ignoreSearch: true }));
    if (old) return old;
    throw problem;
  }
}
