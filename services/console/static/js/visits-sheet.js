// The sheet of one visit: who, what was found, questionnaires with their scores, needs, and where the phone is.
export const NO_NEED = { need: "", urgency: 5, note: "" };

export function sheet({ tables, words, now: instant, view, forms, locked, changed, pictures }) {
  const { distance, element, icon, say } = view;
  const now = { visit: null, draft: null, showNeeds: () => {} };
  const gone = element("p", { className: "notice warn", role: "status", text: words.gone });
  const save = (draft = now.draft, pictures = {}) => changed(draft, pictures);
  const head = (name, text) => element("h2", {}, icon(`${tables.icons}#${name}`), document.createTextNode(text));

  function choices(name, legend, options, chosen, pick, className = "") {
    const set = element("fieldset", { className: `plain ${className}` }, element("legend", { text: legend }));
    const list = element("div", { className: "choices" });
    for (const [code, label] of options) {
      const input = element("input", { type: "radio", name, value: String(code) });
      input.checked = String(chosen ?? "") === String(code);
      input.addEventListener("change", () => pick(code));
      list.append(element("label", { className: "choice" }, input, document.createTextNode(` ${label}`)));
    }
    set.append(list);
    return set;
  }

  function draw(place, visit, draft) {
    Object.assign(now, { visit, draft });
    const title = element("h1", { text: titled(visit), tabindex: "-1" });
    const back = element("button", { type: "button", className: "quiet back", text: words.back });
    back.addEventListener("click", () => history.back());
    gone.hidden = !visit.gone;
    place.replaceChildren(back, title, gone, who(visit), ...(visit.disputed.length ? [disputed(visit)] : []), visit.task ? ended() : wrote());
    place.querySelector(".written").inert = locked(visit.id);
  }

  /** Who it is; of a task of which only the centre says for whom, what it is. */
  const titled = ({ person, kind_label }) => (person ? person.name ?? words.unnamed : kind_label);

  function who({ person, what, kind_label, due, task }) {
    const card = element("section", { className: "card stack" });
    card.append(element("p", { text: [kind_label, say(task ? words.task_due : words.due, { day: due })].join(" · ") }));
    if (what) card.append(element("p", { className: "notice", text: what }));
    if (!person) {
      card.append(element("p", { text: words.ring_to_know }));
      return card;
    }
    if (person.line) card.append(element("p", { text: person.line }));
    for (const place of person.places) card.append(element("p", { className: "where", text: place }));
    for (const one of person.contacts) card.append(element("a", { className: "button wide-call", href: `tel:${one.phone}`, text: `${words.call} ${one.shown}${one.who ? ` · ${one.who}` : ""}` }));
    if (person.home) {
      const at = `${person.home.lat},${person.home.lon}`;
      card.append(element("a", { className: "button map-link", href: `geo:${at}?q=${at}`, text: person.home.verified ? words.map : words.map_unverified }));
    }
    return card;
  }

  const disputed = (visit) => element("p", { className: "notice warn", role: "status", text: say(words.disputed, { fields: visit.disputed.map((name) => tables.fields[name] ?? name).join(", ") }) });

  function wrote() {
    const { visit, draft } = now;
    const box = element("div", { className: "written" });
    box.append(element("section", { className: "card" }, choices("result", words.result, tables.results, draft.fields.result, (code) => { draft.fields.result = code; save(); })));
    const checks = element("section", { className: "card stack" }, head("check", words.checks));
    for (const [code, label] of tables.checks) checks.append(choices(`check.${code}`, label, tables.answers, draft.fields[`check.${code}`], (answer) => { draft.fields[`check.${code}`] = answer; save(); }, "line"));
    box.append(checks);
    for (const form of forms()) box.append(questionnaire(form, visit));
    box.append(needs(), place(), pictures({ head, arrived: () => now.visit?.pictures ?? 0, draft: () => now.draft, save }), note());
    return box;
  }

  /** How a task ended. */
  function ended() {
    const { draft } = now;
    const outcome = element("section", { className: "card" }, choices("outcome", words.outcome, tables.outcomes, draft.fields.outcome, (code) => { draft.fields.outcome = code; save(); }));
    return element("div", { className: "written" }, outcome, note());
  }

  // --- questionnaires ---

  function questionnaire(form, visit) {
    const wanted = visit.forms.includes(form.id);
    const answers = (now.draft.answers[form.id] ??= {});
    const score = element("p", { className: "score", role: "status" });
    const show = () => { score.textContent = scored(form, answers); };
    const body = form.items.map((item) => choices(`${form.id}.${item.id}`, item.text, item.choices.map((one) => [one.points, one.text]), answers[item.id], (points) => { answers[item.id] = points; show(); save(); }));
    const box = element("details", { className: "card" }, element("summary", { text: form.name + (wanted ? ` · ${words.wanted}` : "") }), ...(form.mark ? [element("p", { className: "muted small", text: form.mark })] : []), ...body, score);
    box.open = wanted || Object.keys(answers).length > 0;
    show();
    return box;
  }

  const missing = (form, answers) => form.items.filter((item) => answers[item.id] === undefined).length;

  /** The score as the registry will count it: points, or dimensions with at least one. */
  function scored(form, answers) {
    const lacking = missing(form, answers);
    if (lacking) return say(words.unanswered, { n: lacking });
    const given = form.items.filter((item) => answers[item.id] > 0);
    const total = form.counts === "dimensions" ? new Set(given.map((item) => item.dimension)).size : given.reduce((sum, item) => sum + answers[item.id], 0);
    const band = [...form.bands].reverse().find((each) => each.from <= total);
    return say(words.score, { n: total, band: band?.text ?? "" });
  }

  // --- needs ---

  function needs() {
    const { draft } = now;
    const list = element("ul", { className: "stack" });
    const what = element("select", { id: "need" }, ...[["", "–"], ...tables.needs].map(([code, label]) => element("option", { value: code, text: label })));
    const more = element("input", { id: "need-note", maxlength: "200", autocomplete: "off" });
    const urgency = element("div");
    const problem = element("p", { className: "error", role: "status" });
    const listed = (one) => {
      const away = element("button", { type: "button", className: "quiet", text: words.remove });
      away.addEventListener("click", () => { draft.needs = draft.needs.filter((each) => each !== one); show(); save(); });
      const text = [tables.need_names[one.need], tables.urgency_names[one.urgency], one.note].filter(Boolean).join(" · ");
      return element("li", { className: "row" }, element("span", { text }), away);
    };
    const show = (said = "") => {
      list.replaceChildren(...draft.needs.map(listed));
      what.value = draft.need.need;
      more.value = draft.need.note;
      problem.textContent = said;
      urgency.replaceChildren(choices("urgency", words.urgency, tables.urgencies, draft.need.urgency, (code) => { draft.need.urgency = Number(code); save(); }));
    };
    const add = element("button", { type: "button", text: words.add_need });
    what.addEventListener("change", () => { draft.need.need = what.value; save(); });
    typed(more, (text) => { draft.need.note = text; });
    add.addEventListener("click", () => {
      if (!draft.need.need) { show(words.needs_need); what.focus(); return; }
      addNeed(draft);
      show();
      save();
    });
    show();
    now.showNeeds = show;
    return element("section", { className: "card stack" }, head("hand", words.needs), list,
      element("p", { className: "field" }, element("label", { for: "need", text: words.need }), what), urgency,
      element("p", { className: "field" }, element("label", { for: "need-note", text: words.need_note }), more), problem, add);
  }

  function addNeed(draft) {
    draft.needs.push({ ...draft.need, note: draft.need.note.trim() });
    draft.need = { ...NO_NEED };
  }

  /** Something was said of a need, but not which: it can be neither sent nor thrown away. */
  const halfNeed = ({ need }) => !need.need && Boolean(need.note.trim() || need.urgency !== NO_NEED.urgency);

  /** Each letter is in the draft at once, and on the phone when the fingers rest. */
  function typed(field, put) {
    const { draft } = now;
    let timer = 0;
    const keep = () => { clearTimeout(timer); put(field.value); save(draft); };
    field.addEventListener("input", () => { put(field.value); clearTimeout(timer); timer = setTimeout(keep, 500); });
    field.addEventListener("change", keep);
  }

  // --- where the phone is ---

  function place() {
    const { draft, visit } = now;
    const said = element("p", { role: "status" });
    const button = element("button", { type: "button", className: "wide", text: words.fix });
    const tick = element("input", { type: "checkbox", id: "at-home" });
    const source = element("select", { id: "source" }, element("option", { value: "", text: "–" }), ...tables.sources.map(([code, label]) => element("option", { value: code, text: label })));
    const home = element("div", { className: "stack" },
      element("label", { className: "choice" }, tick, document.createTextNode(` ${words.at_home}`)),
      element("p", { className: "field" }, element("label", { for: "source", text: words.source }), source));
    const show = (problem = "") => {
      const { fix } = draft;
      const far = fix && visit.person.home ? say(words.distance, { n: Math.round(distance(fix.lat, fix.lon, visit.person.home.lat, visit.person.home.lon)) }) : "";
      said.textContent = problem || (fix ? [say(words.fixed, { n: fix.accuracy_m }), far].filter(Boolean).join(" · ") : words.no_fix);
      home.hidden = !fix;
      tick.checked = draft.home;
      source.value = draft.source;
    };
    button.addEventListener("click", () => {
      if (!navigator.geolocation) return show(words.fix_denied);
      said.textContent = words.fixing;
      return navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          draft.fix = { lon: coords.longitude, lat: coords.latitude, accuracy_m: Math.round(coords.accuracy), at: instant() };
          show();
          save();
        },
        (problem) => show(problem.code === 1 ? words.fix_denied : words.fix_failed),
        { enableHighAccuracy: true, timeout: 30_000, maximumAge: 0 });
    });
    tick.addEventListener("change", () => { draft.home = tick.checked; save(); });
    source.addEventListener("change", () => { draft.source = source.value; localStorage.setItem("visits-source", source.value); save(); });
    show();
    return element("section", { className: "card stack" }, head("pin", words.place), said, button, home);
  }

  function note() {
    const area = element("textarea", { id: "note", maxlength: "2000", rows: "4" });
    const { draft } = now;
    area.value = draft.fields.note ?? "";
    typed(area, (text) => { draft.fields.note = text; });
    return element("section", { className: "card" }, element("p", { className: "field" }, element("label", { for: "note", text: words.note }), area));
  }

  /** Ready to be sent, or why not. */
  function judge(visit) {
    const { draft } = now;
    if (!draft || draft.id !== visit.id) return {};
    if (visit.task && !draft.fields.outcome) { document.querySelector('input[name="outcome"]')?.focus(); return { problem: words.needs_outcome }; }
    if (visit.task) return { draft };
    if (!draft.fields.result) { document.querySelector('input[name="result"]')?.focus(); return { problem: words.needs_result }; }
    if (halfNeed(draft)) { now.showNeeds(words.needs_need); document.getElementById("need").focus(); return { problem: words.needs_need }; }
    const begun = forms().filter((form) => Object.keys(draft.answers[form.id] ?? {}).length);
    const broken = begun.find((form) => missing(form, draft.answers[form.id]));
    if (broken) return { problem: say(words.half_answered, { form: broken.name, n: missing(broken, draft.answers[broken.id]) }) };
    const met = !tables.not_met.includes(draft.fields.result);
    const skipped = met ? forms().filter((form) => visit.forms.includes(form.id) && !begun.includes(form)) : [];
    if (skipped.length && !confirm(say(words.skipped, { forms: skipped.map((form) => form.name).join(", ") }))) return {};
    if (draft.need.need) { addNeed(draft); now.showNeeds(); } // chosen, and only the button to add it was not pressed
    return { draft };
  }

  function freshen(visit) {
    now.visit = visit;
    gone.hidden = !visit.gone;
    const box = document.querySelector("#one .written");
    if (box) box.inert = locked(visit.id);
  }

  return { draw, judge, freshen, title: titled };
}
