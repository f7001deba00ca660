// Where the vehicle is, told to the centre while a trip is open: only after the crew has said yes, and never kept.
const EVERY_MS = 10_000;
const KEY = "crew-where";
const ON_A_TRIP = new Set(["accepted", "en_route", "at_scene", "left_scene", "at_destination"]);

/** `now`: this phone's clock set right; `post(body)`: sends, and may fail. Gives `draw()`, to be called after any change. */
export function whereabouts({ my, words, view, now, post }) {
  const { $, unitOf } = view;
  let watch = null;
  let sentAt = 0;
  let problem = "";

  const wanted = () => localStorage.getItem(KEY) === "on";
  const onTrip = () => !my.signedOut && unitOf(my) && ON_A_TRIP.has(my.current?.status);

  async function tell({ coords, timestamp }) {
    problem = "";
    if (Date.now() - sentAt < EVERY_MS || !onTrip()) return;
    sentAt = Date.now();
    const fix = { unit_id: unitOf(my).id, lat: coords.latitude, lon: coords.longitude, at: new Date(Math.min(timestamp + my.skew, now())).toISOString() };
    if (coords.accuracy != null) fix.accuracy_m = Math.min(coords.accuracy, 100_000);
    if (coords.speed != null) fix.speed_kmh = coords.speed * 3.6;
    if (coords.heading != null && !Number.isNaN(coords.heading)) fix.heading_deg = coords.heading;
    await post(fix).catch(() => {}); // the next one tells more than this one late
  }

  function follow() {
    const should = wanted() && onTrip() && navigator.geolocation;
    if (should && watch === null) {
      watch = navigator.geolocation.watchPosition(tell, ({ code }) => {
        problem = code === 1 ? words.where_denied : words.where_unknown;
        draw();
      }, { enableHighAccuracy: true, maximumAge: 5000, timeout: 30_000 });
    } else if (!should && watch !== null) {
      navigator.geolocation.clearWatch(watch);
      watch = null;
    }
  }

  function draw() {
    follow();
    $("where").hidden = !onTrip() || !navigator.geolocation;
    const text = problem || (wanted() ? words.where_on : words.where_off);
    if ($("where-said").textContent !== text) $("where-said").textContent = text;
    const label = wanted() ? words.where_stop : words.where_start;
    if ($("where-switch").textContent !== label) $("where-switch").textContent = label;
    $("where-switch").setAttribute("aria-pressed", String(wanted()));
  }

  $("where-switch").addEventListener("click", () => {
    localStorage.setItem(KEY, wanted() ? "off" : "on");
    problem = "";
    draw();
  });
  return draw;
}
