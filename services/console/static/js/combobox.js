// A text field with a list below it: arrows move, Enter chooses, Escape closes. Options are role="option".

/** `onChoose(option)`; `onEnter()` where nothing is marked. Gives `{show, hide, options}`. */
export function combobox(input, box, { onChoose, onEnter }) {
  const options = () => [...box.querySelectorAll('[role="option"]:not([hidden])')];
  const marked = () => box.querySelector('[aria-selected="true"]:not([hidden])');

  function mark(option) {
    for (const each of box.querySelectorAll('[aria-selected="true"]')) each.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }
  function show({ markFirst = true } = {}) {
    box.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(markFirst ? options()[0] : null);
  }
  function hide() {
    box.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(null);
  }
  function choose(option) {
    hide();
    onChoose(option);
  }
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && !box.hidden) { hide(); event.preventDefault(); event.stopPropagation(); return; }
    if (event.key === "Enter" && !event.ctrlKey) {
      event.preventDefault();
      if (!box.hidden && marked()) choose(marked());
      else { hide(); onEnter?.(); }
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !options().length) return;
    event.preventDefault();
    if (box.hidden) { show(); return; }
    const all = options();
    mark(all[(all.indexOf(marked()) + step + all.length) % all.length]);
  });
  box.addEventListener("mousedown", (event) => event.preventDefault());
  box.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) choose(option);
  });
  input.addEventListener("blur", () => setTimeout(() => { if (!box.contains(document.activeElement)) hide(); }, 150));
  return { show, hide, options };
}
