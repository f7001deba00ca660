// The sheet keeps itself fresh every minute, and keeps the last one when nobody answers.
import { banner } from "./base.js";

const sheet = document.getElementById("sheet");
let last = sheet.dataset.time;

async function refresh() {
  const answer = await fetch("/board/print").catch(() => null);
  if (answer?.ok && !answer.redirected) {
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("sheet");
    sheet.innerHTML = fresh.innerHTML;
    last = fresh.dataset.time;
    banner("old", "");
  } else banner("old", sheet.dataset.old.replace("{time}", last));
}
setInterval(refresh, 60_000);
addEventListener("online", refresh);
document.getElementById("print").addEventListener("click", () => print());
