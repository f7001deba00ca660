// The caller's number: whether somebody can be rung there is said while the caller can still be asked.
import { post } from "./base.js";

/** Watches the number of a form; gives what looks at it again after it was filled in by the page itself. */
export function phone(form) {
  const field = form.querySelector('[name="caller.phone"]');
  const said = form.querySelector("[data-phone-said]");
  let last = "";
  async function look() {
    const text = field.value.trim();
    if (text === last) return;
    last = text;
    let told = { said: "" };
    try { if (text) told = await post("/desk/phone", { text }); } catch { last = ""; return; } // taken all the same
    if (text === last) said.textContent = told.said;
  }
  field.addEventListener("change", look);
  form.addEventListener("reset", () => { last = ""; said.textContent = ""; });
  return look;
}
