// The planner: a ride dragged onto another vehicle (on its line: at that time) is tried; the tours on the map.
import { data } from "./base.js";
import { drawGround, plain, script } from "./ground.js";

const STEP_MIN = 5;
const form = document.getElementById("dropped");
const lines = document.getElementById("lines");

/** The time of day at a point of a line of time, to five minutes; nothing where it was not dropped on the line. */
function clockAt(strip, x) {
  const { left, width } = strip.getBoundingClientRect();
  const [first, last] = [Number(lines.dataset.first), Number(lines.dataset.last)];
  const minutes = Math.round((first + ((x - left) / width) * (last - first)) * 60 / STEP_MIN) * STEP_MIN;
  if (minutes < 0 || minutes >= 24 * 60) return "";
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

function dragging() {
  document.addEventListener("dragstart", (event) => {
    const ride = event.target.closest?.("[data-trip]");
    if (ride) event.dataTransfer.setData("text/plain", ride.dataset.trip);
  });
  for (const line of lines.querySelectorAll("[data-unit]")) {
    line.addEventListener("dragover", (event) => { event.preventDefault(); line.classList.add("over"); });
    line.addEventListener("dragleave", () => line.classList.remove("over"));
    line.addEventListener("drop", (event) => {
      event.preventDefault();
      const strip = event.target.closest("svg.strip");
      form.elements.trip_id.value = event.dataTransfer.getData("text/plain");
      form.elements.unit_id.value = line.dataset.unit;
      form.elements.at.value = strip ? clockAt(strip, event.clientX) : "";
      if (form.elements.trip_id.value) form.requestSubmit();
    });
  }
}

async function draw(box) {
  await script("/static/vendor/leaflet/leaflet.js");
  const L = window.L;
  const answer = await fetch("/map/places.json", { headers: { accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return; // signed out or away: the page itself says so
  const places = await answer.json();
  const map = L.map(box, { zoomAnimation: false });
  map.attributionControl.setPrefix(false);
  const ways = data("ways");
  const everything = [...ways.flatMap((way) => way.points), ...places.stations.map((each) => [each.lat, each.lon])];
  if (everything.length) map.fitBounds(everything, { padding: [24, 24] });
  else map.setView([16.43, 103.5], 12);
  drawGround(L, map, places.maps).then((drawn) => { if (!drawn) map.attributionControl.addAttribution(data("board-texts").map_none); });
  const units = [...new Set(ways.map((way) => way.unit))];
  for (const way of ways) {
    const color = `hsl(${(units.indexOf(way.unit) * 137) % 360} 70% 45%)`;
    L.polyline(way.points, { color, weight: 3 }).bindTooltip(plain(way.sign), { sticky: true }).addTo(map);
    way.points.forEach((point, number) => L.circleMarker(point, { radius: 5, color, fillOpacity: 0.9 }).bindTooltip(plain(`${way.sign} ${number + 1}`)).addTo(map));
  }
  box.dataset.ways = ways.length;
  new ResizeObserver(() => map.invalidateSize()).observe(box);
}

document.getElementById("print")?.addEventListener("click", () => print());
if (lines) dragging();
const box = document.getElementById("map");
if (box) draw(box);
