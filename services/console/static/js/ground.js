// The municipality's own maps beneath everything else: GeoJSON as it was imported, PMTiles by protomaps-leaflet.
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LABELS_MAX = 60;
const NAMES_FROM = 15; // of boundaries: from further away the names lie upon each other and upon the calls
const NAMES = (lang) => [`name_${lang}`, `name:${lang}`, "name", "name_th", "name:th", "NAME"];

const AGAIN_MS = [500, 1000, 2000, 5000];
const TURNS = 20;

/** Load a script. While the console is away it is asked for again, and comes when that is back. */
export async function script(path) {
  for (let turn = 0; turn < TURNS; turn++) {
    const loaded = await new Promise((done) => {
      const tag = document.createElement("script");
      document.head.append(Object.assign(tag, { src: path, onload: () => done(true), onerror: () => done(false) }));
    });
    if (loaded) return;
    await new Promise((done) => setTimeout(done, AGAIN_MS[Math.min(turn, AGAIN_MS.length - 1)]));
  }
  throw new Error(`${path} does not come`);
}

/** Text for a tooltip or an attribution: Leaflet takes strings for HTML, and these were typed by people. */
export const plain = (text) => Object.assign(document.createElement("span"), { textContent: text ?? "" });

/** Draw `maps` ([{url, kind, attribution}]) on a Leaflet map; one that cannot be read is left out. Gives how many, without

    boundaries (kind `areas`): lines alone are no ground to find one's way on. */
export async function drawGround(L, map, maps, { prefix = "/static/vendor" } = {}) {
  map.createPane("own").style.zIndex = 240;
  map.getPane("own").style.pointerEvents = "none";
  const drawn = await Promise.all(maps.map((each) => (each.kind === "pmtiles" ? tiles : shapes)(L, map, each, prefix).catch(() => false)));
  for (const { attribution } of maps.filter((_, n) => drawn[n])) map.attributionControl?.addAttribution(plain(attribution).innerHTML);
  return drawn.filter((one, n) => one && maps[n].kind !== "areas").length;
}

async function tiles(L, map, { url }, prefix) {
  if (!window.protomapsL) await script(`${prefix}/protomaps-leaflet.js`);
  const flavor = document.documentElement.dataset.theme === "light" ? "light" : "dark";
  window.protomapsL.leafletLayer({ url, flavor, lang: document.documentElement.lang, pane: "tilePane", attribution: "" }).addTo(map);
  return true;
}

async function shapes(L, map, { url, kind }) {
  const answer = await fetch(url);
  if (!answer.ok) return false;
  const content = await answer.json();
  const lang = document.documentElement.lang;
  const named = (feature) => NAMES(lang).map((key) => feature?.properties?.[key]).find((name) => typeof name === "string" && name);
  const line = css("--muted");
  const look = {
    Polygon: { color: css("--strong-line"), weight: 1.5, fillColor: css("--strong-line"), fillOpacity: 0.1 },
    Boundary: { color: css("--muted"), weight: 1, opacity: 0.7, dashArray: "6 5", fill: false },
    LineString: { color: line, weight: 2, opacity: 0.75 },
  };
  const layer = L.geoJSON(content, {
    pane: "own",
    interactive: false,
    style: (feature) => kind === "areas" ? look.Boundary : look[(feature?.geometry?.type ?? "").replace("Multi", "")] ?? look.Polygon,
    pointToLayer: (feature, at) => L.circleMarker(at, { pane: "own", radius: 4, color: line, weight: 1, fillColor: line, fillOpacity: 0.9, interactive: false }),
  }).addTo(map);
  let labels = 0;
  layer.eachLayer((each) => {
    const name = named(each.feature);
    if (!name || labels >= LABELS_MAX) return;
    labels += 1;
    each.bindTooltip(plain(name), { permanent: true, direction: "center", className: "ground-name", pane: "own" });
  });
  if (kind === "areas") {
    const names = () => layer.eachLayer((each) => (map.getZoom() < NAMES_FROM ? each.closeTooltip() : each.openTooltip()));
    map.on("zoomend", names);
    names();
    map.getContainer().dataset.boundaries = layer.getLayers().length;
  }
  return true;
}
