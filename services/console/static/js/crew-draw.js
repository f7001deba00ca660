// Drawing the crew's page: the line of the connection, the trip, the big button, the unit.
// `view` is crew-view.js under the address the page names; `on`: what a press does; `drawWaste`: see crew-waste.js.
export function painter({ my, tables, words, desk, view, on, drawWaste }) {
  const { $, clock, drawLog, drawTimes, drawTroubles, element, goingHome, icon, inTourOrder, nextStep, say, showDistances, stand, unitOf } = view;

  function draw() {
    const standing = my.server.jobs.map((job) => stand(job, my.acts, tables, my.fetchedAt)).filter((job) => !["declined", "at_base"].includes(job.status));
    const open = inTourOrder(standing.filter((job) => job.status !== "cleared"));
    const home = goingHome(my.acts, my.server.home, my.skipped).map((job) => stand(job, my.acts, tables, my.fetchedAt)).filter((job) => job.status === "cleared");
    my.current = open.find((job) => job.id === my.chosen) ?? open[0] ?? home[0] ?? null;
    drawSync();
    drawTroubles(my.acts, my.gone, new Set(open.map((job) => job.id)), { tables, words, desk, on });
    drawJob(open);
    drawTimes(my.current, tables, words);
    drawNext();
    drawUnit(open.length > 0);
    drawWaste(open.length > 0);
    drawReturns();
    drawLog(my.acts, tables, words);
  }

  function drawSync() {
    const waiting = my.acts.filter((act) => act.state === "waiting").length;
    const line = $("sync");
    const tone = my.signedOut || !my.reached ? "tone-bad" : waiting ? "tone-wait" : "tone-done";
    const parts = [];
    if (my.signedOut) parts.push(words.signed_out);
    else if (!my.reached) parts.push(say(words.no_signal, { at: my.fetchedAt ? clock(new Date(my.fetchedAt).toISOString()) : "–" }));
    else if (!waiting) parts.push(words.all_sent);
    if (waiting) parts.push(say(words.waiting, { n: waiting }));
    const text = parts.join(" · ");
    line.className = `sync ${tone}`;
    if (line.dataset.text === text) return;
    line.dataset.text = text;
    line.replaceChildren(element("span", { text }));
    if (my.signedOut) line.append(element("a", { className: "button", href: "/sign-in?next=/crew", text: words.sign_in }));
  }

  function drawJob(open) {
    const html = my.current?.html ?? "";
    if (html !== my.drawn) {
      my.drawn = html;
      $("job").innerHTML = html; // escaped by the server's template
      showDistances($("job"), words);
    }
    const others = open.filter((job) => job.id !== my.current?.id);
    $("others").hidden = !others.length;
    $("others").querySelector("ul").replaceChildren(...others.map((job) => {
      const title = new DOMParser().parseFromString(job.html, "text/html").querySelector("h1")?.textContent ?? "";
      const button = element("button", { type: "button", className: "wide", text: title });
      button.addEventListener("click", () => { my.chosen = job.id; draw(); scrollTo(0, 0); });
      return element("li", {}, button);
    }));
  }

  function drawNext() {
    const step = my.current && !my.signedOut ? nextStep(my.current, tables) : null;
    $("next").hidden = !step;
    document.body.classList.toggle("has-next", Boolean(step));
    $("idle").hidden = Boolean(my.current?.html) || my.signedOut;
    if (!$("idle").hidden) {
      const off = my.server.units.every((unit) => unit.duty !== "on_duty");
      $("idle-title").textContent = my.current ? words.homeward : off ? words.off_duty : words.idle;
      $("idle-hint").textContent = my.current ? words.homeward_hint : off ? words.off_duty_hint : words.idle_hint;
    }
    if (!step) return;
    const big = $("big");
    if (big.dataset.step !== step || big.dataset.job !== my.current.id) {
      Object.assign(big.dataset, { step, job: my.current.id });
      big.className = `big tone-${tables.tones[step].tone} ${step === "accept" ? "big-accept" : ""}`;
      big.replaceChildren(icon(tables.tones[step].icon), element("span", { text: tables.steps[step] }));
    }
    const act = on.last();
    const held = act?.state === "waiting" && act.hold_until > Date.now();
    const rc = Object.keys(my.found).length ? ` · ${words.found_kept}` : "";
    $("next-hint").textContent = (act ? say(held ? words.pressed_held : act.state === "waiting" ? words.pressed_waiting : words.pressed, { step: tables.steps[act.step], at: clock(act.at) }) : words.next) + rc;
    $("undo").disabled = !act;
    $("undo").querySelector("span").textContent = act && !(act.state === "waiting" && !act.maybe) ? words.correct_short : words.undo;
  }

  function drawUnit(busy) {
    const unit = unitOf(my) ?? my.server.units[0]; // somebody off duty may be usual on several
    $("unit-name").textContent = unit ? `${unit.call_sign}` : words.title;
    $("unit").hidden = !unit || my.signedOut || (busy && unit.cleanliness === "clean");
    if (!unit) return;
    const buttons = [];
    const button = (text, body, className = "wide") => {
      const made = element("button", { type: "button", text, className });
      made.addEventListener("click", () => on.unitAct(body, made));
      buttons.push(made);
    };
    if (unit.cleanliness !== "clean") button(words.cleaned, { kind: "disinfected", id: unit.id }, "wide primary");
    if (!busy && unit.duty !== "on_duty") button(words.go_on_duty, { kind: "duty", id: unit.id, on: true }, "wide primary");
    if (!busy && unit.duty === "on_duty") button(words.go_off_duty, { kind: "duty", id: unit.id, on: false });
    const told = [words[`duty_${unit.duty}`], unit.cleanliness === "clean" ? "" : words.contaminated].filter(Boolean).join(" · ");
    const print = told + buttons.map((each) => each.textContent).join();
    if ($("unit").dataset.print === print) return;
    $("unit").dataset.print = print;
    $("unit-state").textContent = told;
    $("unit").querySelector(".unit-buttons").replaceChildren(...buttons);
  }

  function drawReturns() {
    const waiting = my.signedOut ? [] : my.server.returns ?? [];
    $("returns").hidden = !waiting.length;
    const print = waiting.map((each) => each.id).join();
    if ($("returns").dataset.print === print) return;
    $("returns").dataset.print = print;
    $("returns").querySelector("ul").replaceChildren(...waiting.map((each) => {
      const text = say(words.return_ready, { number: each.number ?? "", at: each.at ? clock(each.at) : "–" });
      const button = element("button", { type: "button", className: "wide primary", text });
      button.addEventListener("click", () => on.unitAct({ kind: "ready", id: each.id }, button));
      return element("li", {}, button);
    }));
  }

  return draw;
}
