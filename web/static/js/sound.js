// The cue as sound: one low tone for the left knee, two high ones for the right, each from its own side. Off until asked for.

const KEY = "kneeline.sound";
const TONES = { left: [[0, 440]], right: [[0, 660], [0.14, 660]] };

// A browser may be told to keep nothing of this address: then the choice is asked for anew with each page.
function kept() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

function keep(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // It holds as long as this page is open.
  }
}

export class CueSound {
  #button;
  #text;
  #context = null;
  #on = kept();
  #beat = 0;
  #pace = null;

  constructor(button, text) {
    this.#button = button;
    this.#text = text;
    button.addEventListener("click", () => this.#set(!this.#on || this.#waiting()));
    if (this.#on) this.#wake();
    this.#show();
  }

  play(side) {
    this.#tones(TONES[side], side === "left" ? -0.8 : 0.8);
  }

  // Beats so many times a minute until told otherwise; null stops it.
  metronome(pace) {
    if (pace === this.#pace) return;
    this.#pace = pace;
    clearInterval(this.#beat);
    if (pace) this.#beat = setInterval(() => this.#tones([[0, 1200]], 0), 60000 / pace);
  }

  // A hidden page hears nothing of the device, nor that the run is over: it would beat on for as long as it is open.
  #tones(tones, place) {
    if (!this.#on || document.hidden || this.#context?.state !== "running") return;
    const start = this.#context.currentTime;
    const pan = new StereoPannerNode(this.#context, { pan: place });
    pan.connect(this.#context.destination);
    for (const [delay, hertz] of tones) {
      const tone = new OscillatorNode(this.#context, { frequency: hertz, type: "triangle" });
      const gain = new GainNode(this.#context, { gain: 0 });
      gain.gain.setTargetAtTime(0.5, start + delay, 0.005);
      gain.gain.setTargetAtTime(0, start + delay + 0.09, 0.015);
      tone.connect(gain).connect(pan);
      tone.start(start + delay);
      tone.stop(start + delay + 0.2);
    }
  }

  #set(on) {
    this.#on = on;
    keep(on);
    if (on) this.#wake();
    this.#show();
  }

  // Browsers keep sound back until someone has touched the page.
  #waiting() {
    return this.#on && this.#context?.state !== "running";
  }

  #wake() {
    this.#context ??= new AudioContext();
    this.#context.onstatechange = () => this.#show();
    this.#context.resume().then(() => this.#show());
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(this.#on));
    this.#text.textContent = this.#waiting() ? "Tap for sound" : this.#on ? "Sound on" : "Sound off";
  }
}
