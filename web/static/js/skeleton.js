// Draws a runner from 17 keypoints (x px, y px, score) on a canvas. There is never a picture behind it.

const MIN_SCORE = 0.2;
const FADE_MS = 1000;
const SHRINK = 0.02; // of the way, each frame
const LEGS = { left: [11, 13, 15], right: [12, 14, 16] };
const INKS = { good: "--good", bad: "--bad", off: "--bone" };
const ARMS = { left: [5, 7, 9], right: [6, 8, 10] };

const visible = (x, y, score) => x !== null && y !== null && score >= MIN_SCORE;

export class Skeleton {
  #canvas;
  #forRunner;
  #box = null; // what is shown of the picture: left, top, right, bottom in its px
  #frame = null;
  #pending = false;
  #clearTimer = 0;
  #states = {};
  #line = true;

  // forRunner: large, and a front view as a mirror shows it (the runner's left is on the left); else as the camera sees it.
  constructor(canvas, forRunner) {
    this.#canvas = canvas;
    this.#forRunner = forRunner;
    new ResizeObserver(() => this.#queue()).observe(canvas);
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#queue());
  }

  // states: by side, how the knee stands: "good", "bad", or "off" where nobody judges it. line: whether the straight line
  // is drawn that a knee is measured against; not for who is to go by feel.
  show(frame, states = {}, line = true) {
    this.#frame = frame;
    this.#states = states;
    this.#line = line;
    this.#follow();
    clearTimeout(this.#clearTimer);
    this.#clearTimer = setTimeout(() => this.clear(), FADE_MS);
    this.#queue();
  }

  clear() {
    this.#frame = null;
    this.#box = null;
    this.#queue();
  }

  #queue() {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#draw();
    });
  }

  #draw() {
    const canvas = this.#canvas;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    canvas.dataset.drawn = canvas.dataset.knees = "";
    if (!this.#frame?.keypoints || !width || !height) return;
    const points = this.#place(width, height);
    const style = getComputedStyle(canvas);
    const ink = (name) => style.getPropertyValue(name).trim();
    const thick = Math.max(4 * ratio, height / 75);
    pen.lineCap = pen.lineJoin = "round";

    const lines = (joints, colour, line) => {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      for (let i = 1; i < joints.length; i++) {
        const [a, b] = [points[joints[i - 1]], points[joints[i]]];
        if (!a || !b) continue;
        pen.beginPath();
        pen.moveTo(...a);
        pen.lineTo(...b);
        pen.stroke();
      }
    };
    lines([5, 6, 12, 11, 5], ink("--bone"), thick * 0.7);
    this.#head(pen, points, ink("--bone"), thick);
    for (const side of ["left", "right"]) lines(ARMS[side], ink("--bone"), thick * 0.6);
    for (const side of ["left", "right"]) this.#leg(pen, points, side, ink, thick, lines);
    canvas.dataset.drawn = "yes";
    canvas.dataset.knees = Object.keys(LEGS).map((side) => this.#states[side] ?? "off").join(" ") + (this.#line ? "" : " unlined");
  }

  #place(width, height) {
    const [left, top, right, bottom] = this.#box;
    const scale = Math.min(width / (right - left), height / (bottom - top));
    const [midX, midY] = [(left + right) / 2, (top + bottom) / 2];
    const flip = this.#forRunner && this.#frame.view === "front" ? -1 : 1;
    return this.#frame.keypoints.map(([x, y, score]) => {
      if (!visible(x, y, score)) return null;
      return [width / 2 + flip * (x - midX) * scale, height / 2 + (y - midY) * scale];
    });
  }

  // The runner fills the canvas: the box grows at once and shrinks slowly, so that it does not bounce with the steps.
  #follow() {
    const [width, height] = this.#frame.image_size;
    if (!this.#forRunner) {
      this.#box = [0, 0, width, height];
      return;
    }
    const seen = this.#frame.keypoints.filter(([x, y, score]) => visible(x, y, score));
    if (seen.length < 4) {
      this.#box ??= [0, 0, width, height];
      return;
    }
    const [xs, ys] = [seen.map((p) => p[0]), seen.map((p) => p[1])];
    const [nose, , , , , left, right, , , , , hip] = this.#frame.keypoints;
    const headless = !visible(...nose) && visible(...left) && visible(...right) && visible(...hip);
    if (headless) ys.push(Math.min(left[1], right[1]) - 0.75 * (hip[1] - Math.min(left[1], right[1])));
    const tall = Math.max(...ys) - Math.min(...ys);
    const target = [Math.min(...xs) - 0.1 * tall, Math.min(...ys) - 0.14 * tall, Math.max(...xs) + 0.1 * tall, Math.max(...ys) + 0.14 * tall];
    const outward = [Math.min, Math.min, Math.max, Math.max];
    this.#box = this.#box ? target.map((t, i) => outward[i](t, this.#box[i] + SHRINK * (t - this.#box[i]))) : target;
  }

  // Where the head's joints are, or (the pose model closes in on shoulders to feet) where the trunk's line leads.
  #head(pen, points, colour, thick) {
    const mean = (joints) => [0, 1].map((i) => joints.reduce((sum, p) => sum + p[i], 0) / joints.length);
    const trunk = [points[5], points[6], points[11], points[12]];
    if (!trunk.every(Boolean)) return;
    const [shoulders, hips] = [mean(trunk.slice(0, 2)), mean(trunk.slice(2))];
    const seen = points.slice(0, 5).filter(Boolean);
    const [x, y] = seen.length ? mean(seen) : [0, 1].map((i) => shoulders[i] + 0.42 * (shoulders[i] - hips[i]));
    const neck = shoulders[1];
    pen.strokeStyle = colour;
    pen.lineWidth = thick * 0.7;
    pen.beginPath();
    pen.arc(x, y, Math.max(thick, Math.abs(neck - y) * 0.48), 0, 2 * Math.PI);
    pen.stroke();
  }

  // The leg, the straight line hip to ankle that the knee is measured against, and the knee: a disc, green while it is
  // aligned and grey where nobody judges it, or a triangle while it dives.
  #leg(pen, points, side, ink, thick, lines) {
    const [hip, knee, ankle] = LEGS[side].map((joint) => points[joint]);
    lines(LEGS[side], ink(`--${side}`), thick);
    const aside = this.#frame.view === "side"; // the line is none that a knee could leave inward there
    if (hip && ankle && !aside && this.#line) {
      pen.setLineDash([thick, thick]);
      pen.strokeStyle = ink("--guide");
      pen.lineWidth = Math.max(1, thick / 5);
      pen.beginPath();
      pen.moveTo(...hip);
      pen.lineTo(...ankle);
      pen.stroke();
      pen.setLineDash([]);
    }
    if (knee && !aside) this.#knee(pen, knee, this.#states[side] ?? "off", ink, thick);
    if (ankle) {
      pen.fillStyle = ink("--text");
      pen.font = `600 ${Math.round(thick * 2.2)}px system-ui, sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "top";
      pen.fillText(side === "left" ? "L" : "R", ankle[0], ankle[1] + thick);
    }
  }

  #knee(pen, [x, y], state, ink, thick) {
    const alert = state === "bad";
    const r = thick * (alert ? 2.2 : 1.1);
    pen.fillStyle = ink(INKS[state]);
    pen.strokeStyle = ink("--ground");
    pen.lineWidth = thick / 3;
    pen.beginPath();
    if (alert) {
      pen.moveTo(x, y - r);
      pen.lineTo(x + r, y + r * 0.8);
      pen.lineTo(x - r, y + r * 0.8);
      pen.closePath();
    } else {
      pen.arc(x, y, r, 0, 2 * Math.PI);
    }
    pen.fill();
    pen.stroke();
  }
}
