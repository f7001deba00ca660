// Infectious waste on the crew's phone: what its units packed and nobody has disposed of, and what was pressed since.
// Bags are named by this phone, so that they can be sealed and handed over before the centre has heard of them.

/** What still has to be sent, or was sent after the centre was last asked and told of waste. */
const counts = (act, wasteAt) => act.kind.startsWith("waste") && (act.state === "waiting" || (act.state === "done" && act.done_at > wasteAt));

/** The bags as they stand when what was pressed here is counted; `now`: bags and weight as the last hand took them. */
export function standing(known, acts, wasteAt) {
  const found = new Map(known.map((each) => [each.id, { ...each, hands: [...each.hands], unsent: false }]));
  for (const act of acts.filter((each) => counts(each, wasteAt))) {
    if (act.kind === "waste") found.set(act.id, { id: act.id, ...act.body, hands: [] });
    const bags = found.get(act.id);
    if (!bags) continue;
    if (act.kind === "waste_sealed") bags.sealed = true;
    if (act.kind === "waste_handed") bags.hands.push({ ...lastOf(bags), ...act.body });
    bags.unsent ||= act.state === "waiting";
  }
  return [...found.values()];
}

/** Bags and weight as whoever has them now took them over. */
const lastOf = ({ bags, weight_g, hands }) => {
  const last = hands[hands.length - 1];
  return { bags: last?.bags ?? bags, weight_g: last?.weight_g ?? weight_g };
};

const grams = (form) => (form.get("kilos") ? { weight_g: Math.round(Number(form.get("kilos")) * 1000) } : {});

/** `queue` keeps an act and sends it, `at` is this phone's clock set right; gives what the sheets' forms do, and `draw`. */
export function waste({ my, tables, words, view, queue, at }) {
  const { $, clock, element, say, unitOf } = view;
  let handing = null;

  const act = (kind, id, body) => queue({ kind, id, step: kind, at: body.at ?? at(), body, hold_until: 0 });
  const acts = {
    waste: (form) => act("waste", crypto.randomUUID(), {
      unit_id: my.current?.unit_id ?? unitOf(my)?.id, ...(my.current?.trip_id ? { trip_id: my.current.trip_id } : {}),
      bags: Number(form.get("bags")), ...grams(form), sealed: form.has("sealed"), at: at(),
    }),
    handed: (form) => act("waste_handed", handing, {
      receiver: form.get("receiver"), bags: Number(form.get("bags")), ...grams(form), at: at(),
    }),
  };

  function hand(bags) {
    handing = bags.id;
    const count = $("handed-bags");
    count.max = count.value = lastOf(bags).bags;
    $("sheet-handed").showModal();
  }

  function line(bags) {
    const now = lastOf(bags);
    const said = [
      clock(bags.at), say(words.bags, { n: now.bags }), now.weight_g == null ? "" : say(words.kilos, { n: (now.weight_g / 1000).toFixed(1) }),
      bags.sealed ? words.sealed : words.not_sealed, ...bags.hands.slice(-1).map((each) => `→ ${tables.wasteReceivers[each.receiver] ?? each.receiver}`),
    ].filter(Boolean).join(" · ");
    const button = element("button", { type: "button", className: "wide", text: bags.sealed ? words.hand_waste : words.seal });
    button.append(element("span", { className: "hidden", text: ` ${said}` }));
    button.addEventListener("click", () => (bags.sealed ? hand(bags) : act("waste_sealed", bags.id, {})));
    const unsent = bags.unsent ? [element("span", { className: "badge tone-wait", text: words.unsent })] : [];
    return element("li", {}, element("p", {}, element("span", { text: `${said} ` }), ...unsent), button);
  }

  /** `busy`: on a trip, whose page has no room for what comes after it. */
  function draw(busy) {
    const unit = unitOf(my);
    const open = my.server.units.length && !my.signedOut ? standing(my.server.waste, my.acts, my.wasteAt) : [];
    const mayPack = unit && !(busy && unit.cleanliness === "clean");
    $("waste").hidden = my.signedOut || (!open.length && !mayPack);
    $("waste").querySelector("[data-sheet]").hidden = !unit; // on whose list is not known: whoever is on duty is
    const print = JSON.stringify(open);
    if ($("waste").dataset.print === print) return;
    $("waste").dataset.print = print;
    $("waste").querySelector("ul").replaceChildren(...open.map(line));
  }

  return { acts, draw };
}
