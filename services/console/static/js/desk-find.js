// Who calls: found by number or name while somebody types.
import { post } from "./base.js";
import { combobox } from "./combobox.js";
import { fill } from "./sheet.js";

const PAUSE_MS = 180;
const at = (id) => document.getElementById(id);
const looksLikePhone = (text) => /^[+\d๐-๙\s().-]{3,}$/.test(text.trim()) && text.replace(/\D/g, "").length !== 13;

/** Watches the field; `choose(option)` brings somebody onto the sheet. */
export function finding({ form, save }) {
  const find = at("find");
  let looking = 0;
  let looked = 0;

  async function choose(option) {
    const phone = looksLikePhone(find.value) ? find.value.trim() : "";
    const [url, body] = option.dataset.person
      ? ["/desk/person", { person_id: option.dataset.person, phone }]
      : ["/desk/earlier", { call_id: option.dataset.call }];
    try {
      const told = await post(url, body);
      fill(form, told.fill);
      for (const each of form.querySelectorAll('[name^="location."]')) each.dataset.brought = each.value; // yields to what is typed
      at("person-card").innerHTML = told.html;
      save();
    } catch (problem) { at("person-card").textContent = problem.message; }
    at("place").focus();
  }

  /** What was typed is at least a number, or a name. */
  function useTyped() {
    const typed = find.value.trim();
    if (looksLikePhone(typed) && !at("phone").value) at("phone").value = typed;
    else if (typed && /^\D+$/.test(typed) && !at("caller").value) at("caller").value = typed;
    save();
  }

  const found = combobox(find, at("found"), {
    onChoose: (option) => { useTyped(); choose(option); },
    onEnter: () => { useTyped(); at(find.value.trim() && !looksLikePhone(find.value) ? "phone" : "place").focus(); },
  });
  find.addEventListener("input", () => {
    clearTimeout(looking);
    looking = setTimeout(look, PAUSE_MS);
  });
  async function look() {
    const turn = (looked += 1);
    if (!find.value.trim()) { found.hide(); return; }
    try {
      const told = await post("/desk/find", { text: find.value });
      if (turn !== looked || document.activeElement !== find) return;
      at("found").innerHTML = told.html;
      if (at("found").childElementCount) found.show(); else found.hide();
    } catch { found.hide(); }
  }

  return {
    /** Who rings is looked up by their number. */
    look: (phone) => {
      find.value = phone;
      find.focus();
      find.dispatchEvent(new Event("input"));
    },
    /** Chosen on the command line: an open call is opened, anybody else comes onto the sheet. */
    choose: (option) => {
      if (option.dataset.call && option.dataset.status === "open") location.assign(`/desk/calls/${option.dataset.call}`);
      else { find.value = ""; choose(option); }
    },
  };
}
