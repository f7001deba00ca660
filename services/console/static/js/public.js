// What the public pages do more where there is JavaScript: the place from the phone, one press of "send", printing.
for (const place of document.querySelectorAll("[data-locate]")) {
  if (!navigator.geolocation) continue;
  place.hidden = false;
  const said = place.querySelector("[role=status]");
  place.querySelector("button").addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        place.form ??= place.closest("form");
        place.form.elements.lat.value = coords.latitude.toFixed(6);
        place.form.elements.lon.value = coords.longitude.toFixed(6);
        said.textContent = place.dataset.done;
      },
      () => { said.textContent = place.dataset.failed; },
      { enableHighAccuracy: true, timeout: 15_000 },
    );
  });
}
for (const form of document.querySelectorAll("form.ask")) {
  form.addEventListener("submit", () => { form.querySelector("button.send").setAttribute("aria-busy", "true"); });
}
for (const line of document.querySelectorAll("[data-print]")) {
  line.hidden = false;
  line.querySelector("button").addEventListener("click", () => print());
}
