// Where somebody lives: every observed point with its accuracy, the one that stands on top, over the municipality's map.
import { drawGround, plain, script } from "./ground.js";

const CLOSE = 16;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

async function draw(box) {
  await script("/static/vendor/leaflet/leaflet.js");
  const L = window.L;
  const { maps, points } = JSON.parse(document.getElementById("drawn").textContent);
  const map = L.map(box, { zoomAnimation: false, attributionControl: maps.length > 0 });
  map.attributionControl?.setPrefix(false);
  const at = ({ lat, lon }) => [lat, lon];
  if (points.length === 1) map.setView(at(points[0]), CLOSE);
  else map.fitBounds(points.map(at), { padding: [32, 32], maxZoom: CLOSE });
  drawGround(L, map, maps);
  L.control.scale({ imperial: false }).addTo(map);
  const colour = (point) => css(point.verified ? "--good" : point.stands ? "--link" : "--muted");
  for (const point of [...points].sort((one, other) => one.stands - other.stands)) {
    const color = colour(point);
    if (point.metres) L.circle(at(point), { radius: point.metres, color, weight: 1, fillOpacity: 0.08, interactive: false }).addTo(map);
    L.circleMarker(at(point), { radius: point.stands ? 9 : 5, color, weight: point.stands ? 4 : 2, fillOpacity: 0.6 })
      .bindTooltip(plain(point.name)).addTo(map);
  }
  box.dataset.points = points.length;
  new ResizeObserver(() => map.invalidateSize()).observe(box);
}

const box = document.getElementById("map");
if (box) draw(box);
