// The bar under a knee: inward is toward the middle of the page, on both sides. Ticks are single stances, the fat mark is
// the mean of the last ones, the dashed line is the threshold.

const SVG = "http://www.w3.org/2000/svg";
const [LOW, HIGH] = [-10, 25];
const [WIDTH, HEIGHT] = [350, 64];
const AXIS = 30;

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

export class Gauge {
  #side;
  #svg;
  #threshold;
  #fill;
  #mean;
  #ticks;

  constructor(parent, side) {
    this.#side = side;
    this.#svg = add(parent, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });
    add(this.#svg, "rect", { x: 0, y: AXIS - 10, width: WIDTH, height: 20, rx: 10, class: "track" });
    this.#fill = add(this.#svg, "rect", { x: 0, y: AXIS - 10, width: 0, height: 20, class: "fill" });
    this.#ticks = add(this.#svg, "g", { class: "ticks" });
    add(this.#svg, "line", { x1: this.#x(0), x2: this.#x(0), y1: AXIS - 16, y2: AXIS + 16, class: "zero" });
    this.#threshold = add(this.#svg, "line", { y1: AXIS - 20, y2: AXIS + 16, class: "threshold" });
    this.#mean = add(this.#svg, "circle", { cy: AXIS, r: 13, class: "mean", visibility: "hidden" });
    for (const [angle, text] of [[0, "0°"], [20, "20°"]])
      add(this.#svg, "text", { x: this.#x(angle), y: HEIGHT - 2, "text-anchor": "middle" }, text);
    const inward = side === "left" ? { x: WIDTH, "text-anchor": "end" } : { x: 0, "text-anchor": "start" };
    add(this.#svg, "text", { ...inward, y: 9 }, side === "left" ? "inward →" : "← inward");
  }

  // stances: the last angles in degrees, oldest first; mean: null while there are too few.
  update(stances, mean, threshold) {
    const zero = this.#x(0);
    const to = mean === null ? zero : this.#x(mean);
    this.#fill.setAttribute("x", Math.min(zero, to));
    this.#fill.setAttribute("width", Math.abs(to - zero));
    this.#mean.setAttribute("cx", to);
    // "visible" would show in a bar that is hidden.
    this.#mean.setAttribute("visibility", mean === null ? "hidden" : "inherit");
    this.#threshold.setAttribute("x1", this.#x(threshold ?? 0));
    this.#threshold.setAttribute("x2", this.#x(threshold ?? 0));
    this.#threshold.setAttribute("visibility", threshold === null ? "hidden" : "inherit");
    this.#ticks.replaceChildren();
    stances.forEach((angle, i) => {
      const x = this.#x(angle);
      const newest = i === stances.length - 1;
      add(this.#ticks, "line", { x1: x, x2: x, y1: AXIS - 12, y2: AXIS + 12, class: newest ? "newest" : "" });
    });
  }

  #x(angle) {
    const share = (Math.min(HIGH, Math.max(LOW, angle)) - LOW) / (HIGH - LOW);
    return Math.round(10 * (this.#side === "left" ? share : 1 - share) * WIDTH) / 10;
  }
}
