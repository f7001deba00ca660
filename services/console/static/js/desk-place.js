// Where it is: what was pasted becomes a point, and a map without a base map to point at.
import { post } from "./base.js";
import { drawGround, script } from "./ground.js";

const FEWEST_LETTERS = 4;
const LOOKED_MS = 4000;
const SAME_PLACE_KM = 0.3;
const BARE = /^[-+\d.,;\s°()NEne]+$|^\S*:\/\/\S+$|^geo:\S+$|^[23456789CFGHJMPQRVWXcfghjmpqrvwx]{2,8}\+\w{2,7}(\s.*)?$/;

/** Watches the place and the point of a form. */
export function place(form, words, { onChange = () => {} } = {}) {
  const field = form.querySelector('[name="location.landmark"]');
  const point = form.querySelector('[name="location.point"]');
  const community = form.querySelector('[name="location.community"]');
  const said = form.querySelector("[data-place-said]");

  let asked = { text: "", done: null }; // what of the place was looked up last, and when that is done
  form.addEventListener("reset", () => { asked = { text: "", done: null }; });
  function read(from) {
    const text = from.value.trim();
    if (text.length < FEWEST_LETTERS) return null;
    const done = look(from, text);
    if (from === field) asked = { text, done };
    return done;
  }
  async function look(from, text) {
    let found;
    try { found = await post("/desk/place", { text }); } catch { return; }
    if (from.value.trim() !== text) return;
    if (found.source === "short_link") said.textContent = words.short_link;
    else if (found.lat === undefined && from === field && isBrought(point)) said.textContent = words.still_home;
    else if (found.lat === undefined && !point.value.trim()) said.textContent = community?.value.trim() ? "" : words.no_point;
    if (found.lat === undefined || (found.source === "name" && point.value.trim() && !isBrought(point))) return;
    if (found.source === "name" && found.name === community?.value && isBrought(point)) return; // the home's own, and less exact
    const left = leaveHome(from, [found.lat, found.lon]);
    point.value = `${found.lat}, ${found.lon}`;
    if (from === field && BARE.test(text)) field.value = "";
    said.textContent = words[`from_${found.source}`].replace("{name}", found.name ?? "") + left;
    moved();
  }
  /** Whether it still is what came with a person: that yields to where the caller says they are. */
  const isBrought = (each) => Boolean(each.dataset.brought) && each.value === each.dataset.brought;
  const isTyped = (each) => Boolean(each.value.trim()) && !isBrought(each);
  /** Somewhere else: nothing of the home may stay beside it. Gives what to say of it. */
  function leaveHome(from, to) {
    const old = pair(point.dataset.brought ?? "");
    if (old && isNear(old, to)) return "";
    const home = [...form.querySelectorAll('[name^="location."]')].filter((each) => each !== from && isBrought(each));
    for (const each of home) { each.value = ""; delete each.dataset.brought; }
    return home.length ? ` · ${words.not_home}` : "";
  }
  const moved = () => { point.dispatchEvent(new Event("moved")); onChange(); };
  field.addEventListener("change", () => read(field));
  field.addEventListener("paste", () => setTimeout(() => read(field)));
  point.addEventListener("change", () => read(point));
  community?.addEventListener("change", () => { if (isBrought(point)) read(community); });
  return {
    /** Nobody goes on before what was typed is looked up: a call without its point knows no distance. Not for ever. */
    looked: () => {
      const text = field.value.trim();
      const done = asked.text === text ? asked.done : isTyped(field) && read(field);
      return Promise.race([done, new Promise((late) => setTimeout(late, LOOKED_MS))]);
    },
    set: (lat, lon, text) => {
      const left = leaveHome(point, [lat, lon]);
      point.value = `${lat.toFixed(6)}, ${lon.toFixed(6)}`;
      said.textContent = text + left;
      moved();
    },
  };
}

/** Whether two points are of the same home: put right, not left. */
const isNear = (one, other) => Math.hypot((one[0] - other[0]) * 111, (one[1] - other[1]) * 107) <= SAME_PLACE_KM;

const pair = (text) => {
  const found = /^\s*(-?\d+(?:\.\d+)?)\s*[,\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  return found ? [Number(found[1]), Number(found[2])] : null;
};

/** The map: marks of the municipality, a grid, and the place where somebody clicks. Loaded when it is opened. */
export async function openMap(box, point, onPoint) {
  if (box.dataset.ready) return;
  box.dataset.ready = "yes";
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: box.dataset.style }));
  await script(box.dataset.script);
  const answer = await fetch("/desk/marks", { headers: { accept: "application/json" } }).catch(() => null);
  const known = answer?.ok ? await answer.json() : { centre: { lat: 16.434, lon: 103.506 }, items: [], maps: [] };
  const L = window.L;
  const map = L.map(box, { attributionControl: known.maps.length > 0, zoomSnap: 0.5 }).setView([known.centre.lat, known.centre.lon], 14);
  map.attributionControl?.setPrefix(false);
  drawGround(L, map, known.maps);
  L.control.scale({ imperial: false }).addTo(map);
  const grid = L.layerGroup().addTo(map);
  const marks = L.layerGroup().addTo(map);
  for (const each of known.items) {
    const icon = L.divIcon({ className: "", html: `<span class="map-mark desk-mark ${each.kind}"></span>`, iconSize: [14, 14] });
    const mark = L.marker([each.lat, each.lon], { icon, title: each.name, keyboard: false }).addTo(marks);
    mark.bindTooltip(Object.assign(document.createElement("span"), { textContent: each.name }), { permanent: true, direction: "right", offset: [8, 0], className: `desk-label ${each.kind}` });
    mark.on("click", () => choose(mark.getLatLng()));
  }
  let pin = null;
  function show() {
    const at = pair(point.value);
    pin?.remove();
    if (!at) return;
    pin = L.marker(at, { icon: L.divIcon({ className: "", html: '<span class="map-mark round desk-pin"></span>', iconSize: [22, 22] }), keyboard: false }).addTo(map);
    map.panInside(at, { padding: [30, 30] });
  }
  function choose(at) { onPoint(at.lat, at.lng); show(); }
  function draw() {
    grid.clearLayers();
    const bounds = map.getBounds();
    const step = [0.1, 0.05, 0.02, 0.01, 0.005, 0.002].find((each) => (bounds.getEast() - bounds.getWest()) / each >= 4) ?? 0.001;
    const style = { color: "#6f8699", weight: 1, opacity: 0.35, interactive: false };
    for (let lon = Math.ceil(bounds.getWest() / step) * step; lon < bounds.getEast(); lon += step) L.polyline([[bounds.getSouth(), lon], [bounds.getNorth(), lon]], style).addTo(grid);
    for (let lat = Math.ceil(bounds.getSouth() / step) * step; lat < bounds.getNorth(); lat += step) L.polyline([[lat, bounds.getWest()], [lat, bounds.getEast()]], style).addTo(grid);
    box.classList.toggle("far", map.getZoom() < 15);
  }
  map.on("moveend zoomend", draw).on("click", (event) => choose(event.latlng));
  point.addEventListener("moved", show);
  draw();
  show();
}
