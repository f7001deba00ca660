// A picture for a place is made small before it is sent: what a camera makes is larger than the centre takes.
import { shrink } from "./visits-picture.js";

for (const input of document.querySelectorAll('input[name="picture"]')) {
  const button = input.form.querySelector("button.primary");
  const said = input.form.querySelector("[data-told]");
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    button.disabled = true;
    said.textContent = said.dataset.told;
    const small = await shrink(file);
    if (small && input.files[0] === file) {
      const made = new DataTransfer();
      made.items.add(new File([small], "picture.jpg", { type: "image/jpeg" }));
      input.files = made.files;
    }
    said.textContent = "";
    button.disabled = false; // what is no picture goes as it is: the centre says so
  });
}
