// Drafts whose tab is gone: shown with their time and what they are about, and opened only by whoever says so. Brought
// onto an empty sheet by themselves they would be one caller's words in another's call.
import { leftDrafts } from "./desk-tab.js";

const LOOK_MS = 10_000;
const TOLD = ["caller.phone", "caller.name", "location.landmark", "complaint", "patients.0.name"];

export const savedAt = (draft, lang) => draft.saved_at
  ? new Date(draft.saved_at).toLocaleString(lang === "en" ? "en-GB" : "th-TH", { timeZone: "Asia/Bangkok", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })
  : "–";

/** The list on the page. `own()`: this tab's place; `onOpen(draft)` keeps the draft as this tab's own; `onDrop(draft)`. */
export function leaving({ prefix, own, words, lang, onOpen, onDrop }) {
  const list = document.getElementById("left-list");

  async function show() {
    const lines = (await leftDrafts(prefix, own())).map(line);
    document.getElementById("left").hidden = !lines.length;
    if (list.innerHTML !== lines.map((each) => each.outerHTML).join("")) list.replaceChildren(...lines);
  }

  function line([place, draft]) {
    const item = document.createElement("li");
    item.dataset.place = place;
    const add = (tag, said, name = "") => {
      const made = Object.assign(document.createElement(tag), { textContent: said, className: name });
      item.append(made, " ");
      return made;
    };
    add("strong", savedAt(draft, lang), "number");
    add("span", TOLD.map((name) => draft.sheet[name]).filter(Boolean).join(" · ") || "–", "what");
    for (const [act, label] of [["open", words.left_open], ["drop", words.left_drop]]) Object.assign(add("button", label), { type: "button" }).dataset.act = act;
    return item;
  }

  list.addEventListener("click", async (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const place = event.target.closest("li")?.dataset.place;
    const [, draft] = (await leftDrafts(prefix, own())).find(([each]) => each === place) ?? [];
    if (act === "drop" && !confirm(words.left_sure)) return;
    if (act === "open" && draft) onOpen(draft);
    if (act === "drop" && draft) onDrop(draft);
    if (act && draft) localStorage.removeItem(place);
    show();
  });
  setInterval(show, LOOK_MS);
  return { show };
}
