// The other desks: which ringing line somebody has taken, and who is writing a call. Told as it happens (/desk/live);
// asked every few seconds as well, for telephones that ring and for a console of several processes.
import { now, post } from "./base.js";

const LOOK_MS = 3000;
const ALIVE_MS = 15_000;
const ANSWERS_WITHIN_MS = 1500;
const at = (id) => document.getElementById(id);

async function part(url, place) {
  const answer = await fetch(url, { headers: { "hx-request": "true" } }).catch(() => null);
  const html = answer?.ok ? (await answer.text()).trim() : "";
  if (place.said === html) return;
  place.said = html;
  place.innerHTML = html;
}

/** Watches lines and sheets. `onAnswer(phone)`: this desk has the line. Gives `{ writes, ends, over, next }`. */
export function others({ words, onAnswer }) {
  let writing = null; // { key, begun, typed }

  async function look() {
    if (document.hidden) return;
    await Promise.all([part("/desk/ringing", at("ringing")), part("/desk/writing", at("writing-list"))]);
    at("writing").hidden = !at("writing-list").childElementCount;
  }

  async function answer({ dataset: { answer: phone, ring, rangAt, over } }) {
    const silence = new Promise((done) => setTimeout(() => done({ mine: true }), ANSWERS_WITHIN_MS));
    const asked = post("/desk/answer", { ring, rang_at: rangAt, over: over !== undefined });
    const told = await Promise.race([asked, silence]).catch(() => ({ mine: true })); // the caller does not wait for us
    at("ringing-said").textContent = told.mine ? "" : words.line_lost.replace("{name}", told.by);
    if (told.mine) onAnswer(phone);
    look();
  }

  const ago = (since) => Math.min(86_400, Math.max(0, Math.round((now() - since) / 1000)));
  const alive = () => writing && post("/desk/writing", { key: writing.key, begun_s: ago(writing.begun), idle_s: ago(writing.typed) }).catch(() => {});

  /** A draft was thrown away; of a call that is taken the console knows by itself. */
  const over = (key) => post("/desk/writing/end", { key }).catch(() => {});

  at("ringing").addEventListener("click", (event) => {
    const button = event.target.closest("[data-answer]");
    if (button) answer(button);
  });
  setInterval(look, LOOK_MS);
  setInterval(alive, ALIVE_MS);
  document.addEventListener("visibilitychange", look);
  const live = new EventSource("/desk/live"); // where it is refused, the asking goes on
  live.addEventListener("desk", look);
  addEventListener("pagehide", () => live.close());
  look();

  return {
    /** The sheet has something on it, `typed` a moment ago or as it came back. */
    writes(key, typed = now()) {
      const fresh = writing?.key !== key;
      writing = { key, begun: fresh ? typed : writing.begun, typed };
      if (fresh) alive();
    },
    /** The sheet is empty again. */
    ends(key) {
      if (writing?.key !== key) return;
      writing = null;
      over(key);
    },
    over,
    /** The line that has waited longest, and that nobody has taken. */
    next: () => at("ringing").querySelector("[data-answer]:not([data-over])")?.click(),
  };
}
