// Two sheets open at once are two calls: each tab keeps its own draft, and takes over one whose tab is gone.
import { newKey } from "./base.js";

const TAB = "karuna.tab";

/** A page that is opened again waits for the one it was: on a slow computer that takes a while to leave. */
const LEAVES_MS = performance.getEntriesByType("navigation")[0]?.type === "reload" ? 10_000 : 1000;

/** Hold a name for as long as this tab lives; false where another tab holds it. `patient`: it may just be leaving. */
function hold(name, patient) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((done) => {
    const until = patient ? { signal: AbortSignal.timeout(LEAVES_MS) } : { ifAvailable: true };
    navigator.locks.request(name, until, (lock) => {
      done(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;
    }).catch(() => done(false));
  });
}

/** Where this tab keeps its draft: under `prefix`, in the browser's storage. */
export async function draftPlace(prefix) {
  const own = sessionStorage.getItem(TAB);
  const left = Object.keys(localStorage).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  let tab = own && await hold(prefix + own, true) ? own : null;
  for (const each of left) tab ??= each !== own && await hold(prefix + each, false) ? each : null;
  if (!tab) {
    tab = newKey();
    await hold(prefix + tab, false);
  }
  sessionStorage.setItem(TAB, tab);
  return prefix + tab;
}
