// Nobody can scroll a wall: what does not fit stands closer together, and what still does not is counted.
import { write } from "./base.js";

const body = (list) => list.closest(".panel-body");
export const overflows = (list) => body(list).scrollHeight > body(list).clientHeight + 1;

/** Show of `list` what fits into its panel, the first rows first; `more` says how many are left out. */
export function fit(list, more, text) {
  const rows = [...list.children].filter((row) => !row.hidden);
  list.classList.remove("dense");
  for (const row of rows) row.classList.remove("cut");
  more.hidden = true;
  if (!overflows(list)) return;
  list.classList.add("dense");
  if (!overflows(list)) return;
  more.hidden = false;
  write(more, text.replace("{count}", rows.length)); // its line takes room too
  const bottom = body(list).getBoundingClientRect().bottom - more.getBoundingClientRect().height;
  const cut = rows.filter((row) => row.getBoundingClientRect().bottom > bottom);
  for (const row of cut) row.classList.add("cut");
  write(more, text.replace("{count}", cut.length));
}
