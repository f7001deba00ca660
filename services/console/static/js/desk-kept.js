// Calls that could not be sent: they stay on this computer, each under its own key, until intake has them.
// Sent again with the same key and the same time, intake takes each once, whatever the network did.
import { Trouble, banner, now, post } from "./base.js";

const PREFIX = "karuna.kept.";
const AGAIN_MS = 4000;
const PATIENCE_MS = 12000;
const OURS_TO_CORRECT = (status) => status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);

const SIGNED_OUT = [401, 403];
const TOLD = ["complaint", "location.landmark", "location.address", "location.community", "location.point", "caller.phone", "caller.name"];

/** Why a call waits, as far as this page knows: intake is "away", or the person is "signed_out". */
export const reason = (problem) => SIGNED_OUT.includes(problem.status) ? "signed_out" : "away";
export const isAway = (problem) => problem instanceof Trouble && !OURS_TO_CORRECT(problem.status);

/** Send one call; a silent network counts as away. */
export function send({ key, sheet, received_at, asked }) {
  const silence = new Promise((_, no) => setTimeout(() => no(new Trouble(0, null)), PATIENCE_MS));
  return Promise.race([post("/desk/calls", { sheet, received_at, asked: Boolean(asked) }, { key }), silence]);
}

export function kept() {
  const found = [];
  for (let place = 0; place < localStorage.length; place += 1) {
    const name = localStorage.key(place);
    if (!name.startsWith(PREFIX)) continue;
    try { found.push(JSON.parse(localStorage.getItem(name))); } catch { /* another program's */ }
  }
  return found.sort((one, other) => one.received_at.localeCompare(other.received_at));
}

const write = (call) => localStorage.setItem(PREFIX + call.key, JSON.stringify(call));
export const forget = (key) => localStorage.removeItem(PREFIX + key);

/** A number people can say until intake gives the real one. */
function provisional() {
  const at = new Date(now()).toLocaleTimeString("en-GB", { timeZone: "Asia/Bangkok" }).replaceAll(":", "");
  const taken = new Set(kept().map((call) => call.provisional));
  let number = `L-${at}`;
  for (let n = 2; taken.has(number); n += 1) number = `L-${at}-${n}`;
  return number;
}

export function keep(call) {
  const stored = { ...call, provisional: call.provisional ?? provisional(), state: "waiting", errors: [] };
  write(stored);
  return stored;
}

/** The list on the page. `login`: whose calls are sent; `onCorrect(call)`, `onSent(answer, call)`.
 *  Whichever sheet sends a call, every sheet on this computer shows the number it got. */
export function keeper({ login, words, onCorrect, onSent }) {
  const sheets = new BroadcastChannel("karuna.kept");
  sheets.onmessage = ({ data }) => { show(); onSent(data.answer, data.call); };
  const place = document.getElementById("kept");
  const list = document.getElementById("kept-list");
  let sending = false;
  let why = ""; // not known yet, or nothing is in the way
  const banners = { away: words.kept_banner, signed_out: words.kept_sign_in, "": words.kept_unsent };

  function show() {
    const calls = kept();
    const waiting = calls.filter((call) => call.state === "waiting").length;
    const link = why === "signed_out" ? { href: "/sign-in?next=/desk", text: words.sign_in } : null;
    banner("kept", calls.length ? banners[why].replace("{count}", calls.length) : "", "bad", link);
    document.getElementById("kept-hint").textContent = why === "signed_out" ? words.kept_hint_signed_out : words.kept_hint;
    document.getElementById("kept-count").textContent = calls.length;
    place.hidden = !calls.length;
    const lines = calls.map(line);
    if (list.innerHTML !== lines.map((each) => each.outerHTML).join("")) list.replaceChildren(...lines);
    return waiting;
  }

  function line(call) {
    const item = document.createElement("li");
    item.dataset.key = call.key;
    const text = (tag, said, name = "") => {
      const made = document.createElement(tag);
      Object.assign(made, { textContent: said, className: name });
      item.append(made, " ");
      return made;
    };
    text("strong", call.provisional, "number");
    text("span", new Date(call.received_at).toLocaleTimeString("en-GB", { timeZone: "Asia/Bangkok", hour: "2-digit", minute: "2-digit" }), "number");
    text("span", TOLD.map((name) => call.sheet[name]).filter(Boolean).join(" · ") || "–", "what");
    const others = call.login !== login;
    text("span", call.state === "refused" ? words.kept_refused : others ? words.kept_of.replace("{name}", call.name) : words.kept_waiting, call.state === "refused" ? "error" : "muted");
    for (const error of call.errors) text("span", error[document.documentElement.lang] || error.th, "error");
    const buttons = call.state === "refused" ? [["correct", words.kept_correct]] : [];
    if (others && call.state === "waiting") buttons.push(["mine", words.kept_send_as_me]);
    for (const [act, label] of buttons) Object.assign(text("button", label), { type: "button" }).dataset.act = act;
    return item;
  }

  list.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const key = event.target.closest("li")?.dataset.key;
    const call = kept().find((each) => each.key === key);
    if (!call || !act) return;
    if (act === "correct") onCorrect(call);
    if (act === "mine" && confirm(words.kept_confirm)) { write({ ...call, login }); flush(); }
    show();
  });

  async function flush() {
    if (sending) return;
    sending = true;
    try {
      if (navigator.locks) await navigator.locks.request("karuna.kept", { ifAvailable: true }, (lock) => lock && sendAll());
      else await sendAll();
    } finally {
      sending = false;
      show();
    }
  }

  async function sendAll() {
    for (const call of kept().filter((each) => each.login === login && each.state === "waiting")) {
      try {
        const answer = await send({ ...call, asked: true }); // the caller is gone
        forget(call.key);
        sheets.postMessage({ answer, call });
        onSent(answer, call);
      } catch (problem) {
        if (isAway(problem)) { why = reason(problem); return; }
        write({ ...call, state: "refused", errors: problem.problem?.errors ?? [{ th: problem.message, en: problem.message }] });
      }
    }
    why = "";
  }

  addEventListener("online", flush);
  addEventListener("storage", show);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(); });
  setInterval(() => { if (show()) flush(); }, AGAIN_MS);
  if (show()) flush();
  return { flush, show: (problem) => { why = reason(problem); show(); } };
}
