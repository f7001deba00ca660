// Pictures of a visit: taken with the phone, made small on it, shown until they are sent.
const LONGEST = 1280;
const LARGEST = 1024 * 1024;
const QUALITIES = [0.8, 0.5, 0.3];

/** A file of the camera as a small JPEG, upright and without what the camera wrote into it; null where it is no picture. */
export async function shrink(file) {
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!whole) return null;
  const scale = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(whole.width * scale));
  canvas.height = Math.max(1, Math.round(whole.height * scale));
  const brush = canvas.getContext("2d");
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  for (const quality of QUALITIES) {
    const small = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", quality); });
    if (small && small.size <= LARGEST) return small.arrayBuffer();
  }
  return null;
}

/**
 * The card of a visit's sheet. `draft()`: what is being written, whose `pictures` are ids; `queue` keeps what they are of;
 * `making`: pictures under way, each until it is kept: what is sent waits for them.
 */
export function pictures({ words, most, view, head, queue, arrived, draft, save, making }) {
  const { element, say } = view;
  const said = element("p", { role: "status" });
  const list = element("ul", { className: "pictures" });
  const input = element("input", { type: "file", accept: "image/*", capture: "environment", id: "picture", "aria-label": words.take_picture });
  const button = element("button", { type: "button", className: "wide", text: words.take_picture });
  const room = () => most - arrived() - draft().pictures.length;
  input.hidden = true;

  async function shown(id, place) {
    const data = await queue.picture(id);
    const seen = element("img", { alt: say(words.picture_n, { n: place + 1 }) });
    if (data) {
      seen.src = URL.createObjectURL(new Blob([data], { type: "image/jpeg" }));
      seen.addEventListener("load", () => URL.revokeObjectURL(seen.src), { once: true });
    }
    const away = element("button", { type: "button", className: "quiet", text: words.remove, "aria-label": `${words.remove} ${say(words.picture_n, { n: place + 1 })}` });
    away.addEventListener("click", async () => {
      draft().pictures = draft().pictures.filter((each) => each !== id);
      await save(draft(), { away: id });
      await show();
      button.focus();
    });
    return element("li", {}, seen, away);
  }

  async function show(problem = "") {
    const here = draft();
    const drawn = await Promise.all(here.pictures.map(shown));
    if (draft() !== here) return; // another visit was opened meanwhile
    list.replaceChildren(...drawn);
    button.disabled = room() <= 0;
    said.textContent = problem || [arrived() && say(words.pictures_arrived, { n: arrived() }), room() <= 0 && say(words.pictures_full, { n: most })].filter(Boolean).join(" · ");
  }

  button.addEventListener("click", () => input.click());
  async function take(file, here) {
    const small = await shrink(file);
    if (small) {
      const id = crypto.randomUUID();
      here.pictures.push(id);
      await save(here, { taken: { id, data: small } });
    }
    if (draft() === here) await show(small ? "" : words.no_picture);
  }

  input.addEventListener("change", () => {
    const file = input.files[0];
    if (file && room() > 0) {
      const work = take(file, draft()).finally(() => making.delete(work));
      making.add(work);
    }
    input.value = "";
  });
  show();
  return element("section", { className: "card stack" }, head("camera", words.pictures), list, button, input, said);
}
