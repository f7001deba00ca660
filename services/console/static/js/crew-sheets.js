// The sheets of the crew's page: everything beside the one big button.
// `acts`: what each sheet's form does with what was filled in; `now`: this phone's clock set right.
export function sheets({ my, tables, view, acts, now }) {
  const { $, clock, element, instantOf } = view;

  function openTimes(step) {
    const select = $("correct-step");
    const steps = tables.stamps.filter(([code]) => my.current.times[code]);
    select.replaceChildren(...steps.map(([code, label]) => element("option", { value: code, text: label })));
    select.value = step && my.current.times[step] ? step : steps[steps.length - 1]?.[0] ?? "";
    fillTime();
    $("sheet-times").showModal();
  }
  const fillTime = () => { $("correct-time").value = clock(my.current.times[$("correct-step").value], true); };

  function fillFacilities() {
    const select = document.querySelector("[data-facilities]");
    const options = my.server.facilities.map((each) => element("option", { value: each.id, text: each.name }));
    select.replaceChildren(select.options[0], ...options);
    select.value = my.current?.facility_id ?? "";
  }

  $("more").addEventListener("click", () => {
    for (const each of $("sheet-more").querySelectorAll("[data-when]")) each.hidden = !each.dataset.when.split(" ").includes(my.current.status);
    $("sheet-more").showModal();
  });
  for (const each of document.querySelectorAll("[data-sheet]")) {
    each.addEventListener("click", () => {
      $("sheet-more").close();
      if (each.dataset.sheet === "times") { openTimes(); return; }
      fillFacilities();
      const noShow = $("sheet-ends").querySelector("[value=no_show]");
      noShow.closest("label").hidden = noShow.disabled = my.current?.lane !== "booked";
      $(`sheet-${each.dataset.sheet}`).showModal();
    });
  }
  for (const form of document.querySelectorAll("form[data-act]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = new FormData(form);
      form.closest("dialog").close();
      await acts[form.dataset.act](said);
      form.reset();
    });
  }
  for (const each of document.querySelectorAll("[data-close]")) each.addEventListener("click", () => each.closest("dialog").close());
  $("correct-step").addEventListener("change", fillTime);
  for (const each of document.querySelectorAll("[data-minutes]")) {
    each.addEventListener("click", () => {
      const minutes = Number(each.dataset.minutes);
      const from = minutes ? Date.parse(instantOf($("correct-time").value, my.current.times[$("correct-step").value], now())) + minutes * 60_000 : now();
      $("correct-time").value = clock(new Date(from).toISOString(), true);
    });
  }

  return openTimes;
}
