// Sounds until somebody has seen it: a pattern of its own for each severity, and one for alarms.
import { banner } from "./base.js";

/** How often each is repeated while nobody acknowledges; 0: once. */
const REPEAT_MS = { alarm: 3500, red: 4000, pink: 6000, yellow: 10_000, green: 0, white: 0, black: 0 };
const MOST_URGENT = ["alarm", "red", "pink", "yellow", "green", "white", "black"];
const FILES = { white: "green", black: "green" };
const KEY = "karuna.sound";

export class Sounds {
  #players = new Map();
  #playedAt = new Map();
  #blocked = false;

  /** `ringing()` gives the names of what rings now; `texts`: board texts; `button`: the switch. */
  constructor(ringing, texts, button) {
    this.ringing = ringing;
    this.texts = texts;
    this.button = button;
    this.on = localStorage.getItem(KEY) !== "off";
    button?.addEventListener("click", () => this.turn(this.#blocked || !this.on));
    addEventListener("pointerdown", () => this.#tryAgain());
    addEventListener("keydown", () => this.#tryAgain());
    setInterval(() => this.tick(), 500);
    this.show();
  }

  turn(on) {
    this.on = on;
    localStorage.setItem(KEY, on ? "on" : "off");
    this.#blocked = false;
    this.#playedAt.clear();
    this.show();
    this.tick();
  }

  #tryAgain() {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#playedAt.clear();
    this.show();
    this.tick();
  }

  /** Play the most urgent of what rings, if it is time again. */
  tick() {
    const names = this.ringing();
    for (const name of this.#playedAt.keys()) if (!names.includes(name)) this.#playedAt.delete(name);
    if (!this.on || this.#blocked) return;
    const name = MOST_URGENT.find((each) => names.includes(each));
    if (!name) return;
    const before = this.#playedAt.get(name);
    if (before && (!REPEAT_MS[name] || Date.now() - before < REPEAT_MS[name])) return;
    this.#playedAt.set(name, Date.now());
    this.play(name);
  }

  async play(name) {
    const file = FILES[name] ?? name;
    if (!this.#players.has(file)) this.#players.set(file, new Audio(`/static/sounds/${file}.wav`));
    const player = this.#players.get(file);
    try {
      player.currentTime = 0;
      await player.play();
      document.body.dataset.played = name;
    } catch (problem) {
      if (problem.name !== "NotAllowedError") return;
      this.#blocked = true;
      this.show();
    }
  }

  show() {
    banner("sound", this.#blocked ? this.texts.sound_blocked : this.on ? "" : this.texts.sound_muted, "warn");
    if (!this.button) return;
    this.button.setAttribute("aria-pressed", String(this.on && !this.#blocked));
    const said = this.on && !this.#blocked ? this.texts.sound_on : this.texts.sound_turn_on;
    this.button.querySelector("span").textContent = said;
  }
}
