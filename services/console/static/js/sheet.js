// A form whose field names are the paths of the call: read it, fill it, and show refusals at their fields.
const LISTS = /(^barriers|\.days|\.needs|\.groups)$/;

/** `{name: text, "patients.0.needs": [codes]}`; what is empty is left out. */
export function collect(form) {
  const sheet = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox" || field.type === "radio") {
      if (!field.checked) continue;
      if (LISTS.test(field.name)) (sheet[field.name] ??= []).push(field.value);
      else sheet[field.name] = field.value;
    } else if (field.value.trim()) sheet[field.name] = field.value;
  }
  return sheet;
}

/** Put values into their fields; `only`: leave what is filled already. */
export function fill(form, values, { only = false } = {}) {
  for (const [name, value] of Object.entries(values)) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "checkbox" || field.type === "radio") field.checked = [value].flat().includes(field.value);
      else if (!only || !field.value) field.value = value;
    }
    const details = form.querySelector(`[name="${CSS.escape(name)}"]`)?.closest("details");
    if (details && value && String(value).length) details.open = true;
  }
}

export function clearErrors(form) {
  for (const said of form.querySelectorAll(".error[data-shown]")) said.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    const rest = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !id.endsWith("-refused"));
    if (rest.length) field.setAttribute("aria-describedby", rest.join(" "));
    else field.removeAttribute("aria-describedby");
  }
}

const fieldOf = (form, path) =>
  form.querySelector(`[name="${CSS.escape(path)}"]:not([type="hidden"])`) ?? form.querySelector(`[data-errors~="${CSS.escape(path)}"]`);

/** Each sentence at its field, the rest in `place`; focus goes to the first. Nothing that was typed is touched. */
export function showErrors(form, errors, place, lang, title) {
  clearErrors(form);
  const homeless = [];
  let first = null;
  for (const error of errors) {
    const field = error.field ? fieldOf(form, error.field) : null;
    const sentence = error[lang] || error.th || error.en;
    if (!field) { homeless.push(sentence); continue; }
    mark(field, sentence);
    first ??= field;
  }
  place.replaceChildren();
  if (errors.length) {
    const box = document.createElement("div");
    box.className = "problems";
    box.setAttribute("role", "alert");
    box.tabIndex = -1;
    const head = document.createElement("strong");
    head.textContent = [title, ...homeless].join(" · ");
    box.append(head);
    place.append(box);
    first ??= box;
  }
  first?.closest("details")?.setAttribute("open", "");
  first?.focus();
}

function mark(field, sentence) {
  const id = `${field.id || field.name.replaceAll(".", "-")}-refused`;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), id].filter(Boolean).join(" "));
  const said = document.createElement("span");
  Object.assign(said, { id, className: "error", textContent: sentence });
  said.dataset.shown = "";
  (field.closest(".field") ?? field.closest("fieldset") ?? field.parentElement).append(said);
}
