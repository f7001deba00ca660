// The map: stations, facilities, calls by severity, units at one hertz on a canvas, and the ground beneath them.
import { now } from "./base.js";
import { drawGround, plain, script } from "./ground.js";

const STALE_MS = 120_000;
const RINGS_M = [1000, 2000, 5000, 10_000, 20_000, 50_000];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A canvas over the whole map that is drawn anew whenever the map moves. `paint(map, pencil, size)`. */
function canvasLayer(L, paint, pane) {
  return new (L.Layer.extend({
    onAdd(map) {
      this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide");
      map.getPane(pane).append(this.canvas);
      map.on("moveend zoomend resize viewreset", this.redraw, this);
      this.redraw();
    },
    onRemove(map) { this.canvas.remove(); map.off("moveend zoomend resize viewreset", this.redraw, this); },
    redraw() {
      const map = this._map;
      if (!map) return;
      const size = map.getSize();
      const sharp = devicePixelRatio || 1;
      L.DomUtil.setPosition(this.canvas, map.containerPointToLayerPoint([0, 0]));
      Object.assign(this.canvas, { width: size.x * sharp, height: size.y * sharp });
      Object.assign(this.canvas.style, { width: `${size.x}px`, height: `${size.y}px` });
      const pencil = this.canvas.getContext("2d");
      pencil.scale(sharp, sharp);
      paint(map, pencil, size);
    },
  }))();
}

/** Lines of latitude and longitude, and rings of distance around the town. */
function ground(L, centre, km) {
  return (map, pencil, size) => {
    const bounds = map.getBounds();
    const span = bounds.getEast() - bounds.getWest();
    const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5].find((each) => span / each < 8) ?? 10;
    const point = (lat, lon) => map.latLngToContainerPoint([lat, lon]);
    pencil.strokeStyle = css("--line");
    pencil.fillStyle = css("--muted");
    pencil.font = "11px Sarabun, sans-serif";
    pencil.lineWidth = 1;
    pencil.beginPath();
    for (let lon = Math.ceil(bounds.getWest() / step) * step; lon < bounds.getEast(); lon += step) {
      const { x } = point(centre[0], lon);
      pencil.moveTo(x, 0); pencil.lineTo(x, size.y);
      pencil.fillText(lon.toFixed(3), x + 3, size.y - 20);
    }
    for (let lat = Math.ceil(bounds.getSouth() / step) * step; lat < bounds.getNorth(); lat += step) {
      const { y } = point(lat, centre[1]);
      pencil.moveTo(0, y); pencil.lineTo(size.x, y);
      pencil.fillText(lat.toFixed(3), 3, y - 3);
    }
    pencil.stroke();
    const middle = point(...centre);
    const edge = point(centre[0] + 1000 / 111_320, centre[1]);
    const pixels = Math.abs(edge.y - middle.y);
    pencil.strokeStyle = css("--strong-line");
    pencil.setLineDash([4, 5]);
    for (const metres of RINGS_M) {
      const radius = pixels * metres / 1000;
      if (radius < 40 || radius > 3000) continue;
      pencil.beginPath();
      pencil.arc(middle.x, middle.y, radius, 0, 2 * Math.PI);
      pencil.stroke();
      pencil.fillText(`${metres / 1000} ${km}`, middle.x + 4, middle.y - radius - 3);
    }
    pencil.setLineDash([]);
  };
}

const TONES = { free: "done", busy: "go", contaminated: "alarm", out_of_service: "bad", off_duty: "off" };

/** Units as arrows (moving) or discs (standing), with their names; old positions hollow. */
function fleet(fixes, rows, chosen) {
  return (map, pencil, size) => {
    const [ground, text, focus] = ["--sunk", "--text", "--focus"].map(css);
    const inside = (x, y) => x > -60 && y > -20 && x < size.x + 20 && y < size.y + 20;
    pencil.font = "600 12px Sarabun, sans-serif";
    pencil.textBaseline = "middle";
    for (const [id, [lat, lon, at, speed, heading]] of fixes()) {
      const row = rows().get(id);
      if (!row) continue;
      const { x, y } = map.latLngToContainerPoint([lat, lon]);
      if (!inside(x, y)) continue;
      const old = now() - Date.parse(at) > STALE_MS;
      const tone = tones(TONES[row.dataset.state] ?? "plain");
      pencil.save();
      pencil.translate(x, y);
      pencil.beginPath();
      if (speed > 5 && heading != null) {
        pencil.rotate(heading * Math.PI / 180);
        pencil.moveTo(0, -11); pencil.lineTo(8, 8); pencil.lineTo(0, 4); pencil.lineTo(-8, 8);
        pencil.closePath();
      } else pencil.arc(0, 0, 7, 0, 2 * Math.PI);
      pencil.lineWidth = id === chosen() ? 4 : 2;
      pencil.strokeStyle = id === chosen() ? focus : tone.on;
      pencil.fillStyle = tone.ground;
      if (old) pencil.setLineDash([3, 2]); else pencil.fill();
      pencil.stroke();
      pencil.restore();
      pencil.lineWidth = 3;
      pencil.strokeStyle = ground;
      pencil.strokeText(row.dataset.name, x + 12, y);
      pencil.fillStyle = text;
      pencil.fillText(row.dataset.name, x + 12, y);
    }
  };
}

const seen = new Map();
function tones(name) {
  if (!seen.has(name)) {
    const probe = document.createElement("i");
    probe.className = `tone-${name}`;
    document.querySelector("[data-theme]").append(probe);
    const style = getComputedStyle(probe);
    seen.set(name, { ground: style.getPropertyValue("--tone").trim(), on: style.getPropertyValue("--on-tone").trim() });
    probe.remove();
  }
  return seen.get(name);
}

/** Open the map in `box`. `onCall(id)`: a call was chosen on it. */
export async function openMap(box, texts, onCall) {
  await script("/static/vendor/leaflet/leaflet.js");
  const L = window.L;
  const answer = await fetch("/map/places.json", { headers: { accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return; // signed out or away: the page itself says so
  const places = await answer.json();
  const map = L.map(box, { zoomControl: true, attributionControl: true, preferCanvas: true, zoomAnimation: false });
  map.attributionControl.setPrefix(false);
  const towns = places.stations.length ? places.stations : [{ lat: 16.43, lon: 103.5 }];
  const mean = (key) => towns.reduce((sum, each) => sum + each[key], 0) / towns.length;
  const centre = [mean("lat"), mean("lon")];
  map.setView(centre, 12);
  map.createPane("ground").style.zIndex = 250;
  map.createPane("fleet").style.zIndex = 650;
  map.getPane("fleet").style.pointerEvents = "none";

  drawGround(L, map, places.maps).then((drawn) => {
    box.dataset.ground = drawn;
    if (!drawn) map.attributionControl.addAttribution(texts.map_none);
  });
  canvasLayer(L, ground(L, centre, texts.km), "ground").addTo(map);

  const mark = (className, text, title) => L.divIcon({
    className: "", iconSize: [30, 30], iconAnchor: [15, 15],
    html: Object.assign(document.createElement("div"), { className: `map-mark ${className}`, textContent: text, title }),
  });
  for (const [kind, list, letter] of [["station", places.stations, "S"], ["facility", places.facilities, "H"]]) {
    for (const each of list) {
      L.marker([each.lat, each.lon], { icon: mark(`small round tone-${kind === "station" ? "plain" : "there"}`, letter, each.name), keyboard: false, zIndexOffset: -500 })
        .bindTooltip(plain(each.name)).addTo(map);
    }
  }

  const calls = new Map();
  let fixes = new Map();
  let rows = new Map();
  let chosen = null;
  let chosenUnit = null;
  const vehicles = canvasLayer(L, fleet(() => fixes, () => rows, () => chosenUnit), "fleet").addTo(map);
  map.on("click", ({ containerPoint }) => {
    const near = [...fixes].map(([id, fix]) => [id, map.latLngToContainerPoint(fix).distanceTo(containerPoint)])
      .filter(([, distance]) => distance < 18).sort((a, b) => a[1] - b[1])[0];
    chosenUnit = near?.[0] ?? null;
    rows.get(chosenUnit)?.scrollIntoView({ block: "nearest" });
    vehicles.redraw();
  });
  new ResizeObserver(() => map.invalidateSize()).observe(box);

  const control = {
    /** Put a call where it is; null takes it away. */
    call(id, told) {
      calls.get(id)?.remove();
      calls.delete(id);
      const row = document.getElementById(`row-${id}`);
      if (!told || told.lat == null || !row) return;
      const look = row.querySelector(".sev");
      const tone = [...look.classList].find((name) => name.startsWith("tone-"));
      const title = `${row.querySelector("[data-number]").textContent} ${told.complaint}`;
      const marker = L.marker([told.lat, told.lon], {
        icon: mark(`${tone}${id === chosen ? " chosen" : ""}`, look.querySelector(".badge-letter").textContent, title), title, alt: title,
      });
      calls.set(id, marker.bindTooltip(plain(title)).on("click", () => onCall(id)).addTo(map));
    },
    units(now_, list) {
      fixes = now_;
      rows = new Map([...list.children].map((row) => [row.dataset.unitRow, row]));
      vehicles.redraw();
    },
    choose(id, move = false) {
      chosen = id;
      for (const [each, marker] of calls) marker.getElement()?.firstElementChild.classList.toggle("chosen", each === id);
      if (move && calls.has(id)) map.panInside(calls.get(id).getLatLng(), { padding: [60, 60] });
    },
    unit(id) {
      chosenUnit = id;
      if (fixes.has(id)) map.panTo(fixes.get(id).slice(0, 2));
      vehicles.redraw();
    },
    fit() {
      const points = [...[...calls.values()].map((marker) => marker.getLatLng()), ...[...fixes.values()].map((fix) => fix.slice(0, 2)), ...towns.map((each) => [each.lat, each.lon])];
      map.fitBounds(L.latLngBounds(points).pad(0.1), { maxZoom: 15 });
    },
  };
  setTimeout(() => control.fit(), 600);
  return control;
}
