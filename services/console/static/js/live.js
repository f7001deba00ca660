// The stream of what happens, and the honest answer to "how old is what I see?".
import { banner, age, now, setServerTime } from "./base.js";

const OLD_MS = 15_000;

/** Listen from `position` on. `on`: event name → function(data). Gives `{ position(), restart(position) }`. */
export function listen(position, texts, on) {
  let source = null;
  let last = String(position);
  let fresh = now();
  let wrong = [];
  let heard = false;

  const live = () => { fresh = now(); wrong = []; };
  const take = (name, event) => {
    if (event.lastEventId) last = event.lastEventId;
    heard = true;
    const said = JSON.parse(event.data);
    if (name === "beat") {
      setServerTime(said.at);
      wrong = said.wrong;
      if (wrong.length) fresh = Math.min(fresh, Date.parse(said.since));
      else live();
    } else if (!wrong.length) live();
    on[name]?.(said);
    show();
  };

  function open() {
    source?.close();
    source = new EventSource(`/live?after=${last}`);
    for (const name of ["board", "fixes", "beat", "look", "reload"]) source.addEventListener(name, (event) => take(name, event));
    source.addEventListener("error", () => {
      // A refused answer (signed out, starting up) is final for the browser, not for us.
      if (source.readyState === EventSource.CLOSED) refused();
    });
  }

  async function refused() {
    const answer = await fetch("/live/allowed", { headers: { accept: "application/json" } }).catch(() => null);
    // Who is signed out may no longer look at what stands on this screen.
    if (answer?.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
    else setTimeout(open, 2000);
  }

  const time = (ms) => new Date(ms).toLocaleTimeString("th-TH", { timeZone: "Asia/Bangkok", hour12: false });
  function show() {
    const old = now() - fresh > OLD_MS;
    const why = wrong.map((name) => texts[`old_${name}`] ?? name).join(" · ");
    const said = texts.old.replace("{time}", time(fresh)).replace("{age}", age(new Date(fresh).toISOString()));
    banner("old", old ? said + (why ? ` (${why})` : "") : "");
    document.body.classList.toggle("old", old);
    const pulse = document.getElementById("pulse");
    if (!pulse) return;
    const seconds = Math.max(0, Math.round((now() - fresh) / 1000));
    pulse.className = `badge tone-${old ? "alarm" : heard ? "done" : "wait"}`;
    pulse.lastElementChild.textContent = heard ? texts.live.replace("{seconds}", seconds) : texts.connecting;
  }
  setInterval(show, 1000);
  addEventListener("online", open);
  open();
  return {
    position: () => Number(last),
    restart(from) { last = String(from); live(); open(); },
  };
}
