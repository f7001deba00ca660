// Two sheets open at once are two calls: each tab keeps its own draft. One whose tab is gone is somebody else's call.
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

/** Where this tab keeps its draft: under `prefix`, in the browser's storage. Never where another tab's draft lies. */
export async function draftPlace(prefix) {
  const own = sessionStorage.getItem(TAB);
  const tab = own && await hold(prefix + own, true) ? own : newKey();
  if (tab !== own) await hold(prefix + tab, false);
  sessionStorage.setItem(TAB, tab);
  return prefix + tab;
}

/** `{key, received_at, provisional, sheet, saved_at}`, or null. */
export function readDraft(place) {
  try { return JSON.parse(localStorage.getItem(place)); } catch { return null; } // broken: begin anew
}

/** Leave a draft for somebody to open: it is no tab's any more. */
export const setAside = (prefix, draft) => localStorage.setItem(prefix + newKey(), JSON.stringify(draft));

/** The drafts that no open tab has: `[[place, draft], …]`, the oldest first. `own`: this tab's place. */
export async function leftDrafts(prefix, own) {
  const { held = [] } = await navigator.locks?.query() ?? {};
  const had = new Set([own, ...held.map((lock) => lock.name)]);
  const places = Object.keys(localStorage).filter((place) => place.startsWith(prefix) && !had.has(place));
  const drafts = places.map((place) => [place, readDraft(place)]).filter(([, draft]) => draft?.sheet);
  return drafts.sort(([, one], [, other]) => (one.saved_at ?? "").localeCompare(other.saved_at ?? ""));
}
