// The day's rides draw themselves anew when something happened, unless somebody is filling in a form there.
import { data, setServerTime, tick } from "./base.js";
import { listen } from "./live.js";

const day = document.getElementById("day");
setServerTime(day.dataset.now);
let due = null;

async function refresh() {
  due = null;
  if (day.querySelector("details[open]") || day.contains(document.activeElement)) { later(); return; }
  const answer = await fetch(location.pathname + location.search).catch(() => null);
  if (!answer?.ok || answer.redirected) { later(); return; }
  day.innerHTML = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("day").innerHTML;
  tick();
}
function later() { due ??= setTimeout(refresh, 3000 + Math.random() * 2000); }

listen(day.dataset.position, data("board-texts"), { board: later, reload: () => location.reload() });
