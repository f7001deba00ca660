// Guided triage: the questions of a group, one key each, judged by intake while they are answered.
import { post } from "./base.js";

const KEYS = { y: "yes", "1": "yes", "ั": "yes", n: "no", "2": "no", "ื": "no", u: "unknown", "3": "unknown", "ี": "unknown" };
const STORED = "karuna.trees";

/** `sheet()` gives the sheet as it stands; `onDone()` when the last question is answered. */
export function triage({ place, judged, words, sheet, onDone, onChange }) {
  const lang = document.documentElement.lang;
  let trees = JSON.parse(localStorage.getItem(STORED) ?? "{}");
  let answers = {};
  let tree = null;
  let asked = 0;
  let last = "";

  fetch("/desk/trees", { headers: { accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((found) => {
      if (!found) return;
      trees = found;
      localStorage.setItem(STORED, JSON.stringify(found));
      if (!tree) show();
    })
    .catch(() => {});

  const wanted = () => {
    const { kind = "medical", "triage.criteria_group": group } = sheet();
    return group || (kind === "hazard" ? "hazard:none" : "medical:none");
  };

  function show() {
    const kind = sheet().kind ?? "medical";
    const group = sheet()["triage.criteria_group"];
    const relevant = group || ["medical", "hazard", "other"].includes(kind);
    tree = relevant ? trees[wanted()] ?? null : null;
    const known = new Set(tree?.questions.map((question) => question.id) ?? []);
    answers = Object.fromEntries(Object.entries(answers).filter(([id]) => known.has(id)));
    place.replaceChildren(...(tree ? tree.questions.map(row) : []));
    if (!tree && relevant && Object.keys(trees).length === 0) place.textContent = words.no_questions;
  }

  function row(question, index) {
    const line = document.createElement("div");
    line.className = "question";
    line.dataset.id = question.id;
    line.tabIndex = index ? -1 : 0;
    line.setAttribute("role", "radiogroup");
    line.setAttribute("aria-label", question[lang]);
    const text = document.createElement("span");
    text.className = question.red_flag ? "text red-flag" : "text";
    text.textContent = question[lang];
    line.append(text);
    for (const [code, label, key] of [["yes", words.yes, "Y"], ["no", words.no, "N"], ["unknown", words.unknown, "U"]]) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", tabIndex: -1 });
      button.dataset.answer = code;
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(answers[question.id] === code));
      button.append(label);
      const hint = document.createElement("kbd");
      hint.textContent = key;
      hint.setAttribute("aria-hidden", "true");
      button.append(hint);
      line.append(button);
    }
    return line;
  }

  function answer(line, code) {
    answers[line.dataset.id] = code;
    for (const button of line.querySelectorAll("button")) button.setAttribute("aria-checked", String(button.dataset.answer === code));
    onChange();
    judge();
  }

  const go = (line) => {
    if (!line) return;
    for (const each of place.querySelectorAll(".question")) each.tabIndex = each === line ? 0 : -1;
    line.focus();
  };

  place.addEventListener("keydown", (event) => {
    const line = event.target.closest(".question");
    if (!line || event.ctrlKey || event.altKey || event.metaKey) return;
    const code = KEYS[event.key.toLowerCase()];
    const next = line.nextElementSibling;
    if (code) {
      answer(line, code);
      if (next) go(next); else onDone();
    } else if (event.key === "Enter" || event.key === "Escape") onDone();
    else if (event.key === "ArrowDown") go(next);
    else if (event.key === "ArrowUp") go(line.previousElementSibling);
    else return;
    event.preventDefault();
  });
  place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-answer]");
    if (button) { answer(button.closest(".question"), button.dataset.answer); go(button.closest(".question").nextElementSibling); }
  });

  async function judge() {
    const told = sheet();
    const group = Number(told["triage.criteria_group"]) || null;
    const age = /^\d{1,3}$/.test(told["patients.0.born"] ?? "") && Number(told["patients.0.born"]) <= 130 ? Number(told["patients.0.born"]) : null;
    const body = { kind: told.kind ?? null, lane: told.lane || null, group, answers, age, complaint: told.complaint ?? null };
    const nothing = !group && !Object.keys(answers).length && told.kind !== "hazard";
    const same = JSON.stringify(body);
    if (same === last) return;
    last = same;
    const turn = (asked += 1);
    if (nothing) { judged.replaceChildren(document.getElementById("no-judgement").content.cloneNode(true)); delete judged.dataset.severity; return; }
    try {
      const said = await post("/desk/triage", body);
      if (turn !== asked) return;
      judged.innerHTML = said.html;
      judged.dataset.severity = said.severity;
    } catch {
      if (turn !== asked) return;
      last = "";
      delete judged.dataset.severity;
      offline();
    }
  }

  /** Intake is away: the advice of the group can still be read out, the colour is not guessed. */
  function offline() {
    const note = document.createElement("p");
    note.className = "notice bad";
    note.textContent = words.not_judged_away;
    const advice = document.createElement("div");
    advice.className = "advice";
    for (const each of tree?.advice ?? []) advice.append(Object.assign(document.createElement("p"), { textContent: each[lang] }));
    judged.replaceChildren(note, advice);
  }

  return {
    show, judge,
    answers: () => answers,
    set: (given) => { answers = { ...given }; show(); judge(); },
    focus: () => { const first = place.querySelector(".question"); go(first); return Boolean(first); },
    clear: () => { answers = {}; last = ""; show(); judge(); },
  };
}
