// Knee alignment (or what else the session is about) per stance over the session: one mark for each stance, a running mean for each side, triangles for cues.

import { axis, degrees, ink, show } from "./chart.js";

const HEIGHT = 320;
// So many marks of a side are seen one by one; more are drawn paler, so that where many lie is darker, and the mean is of
// more stances, so that its line can be followed.
const CROWDED = 300;
const PALEST = 0.12;
const MEANS = 150; // of a crowded side, one beside the other

// An odd number, with the stance that it is of in its middle.
const meanOf = (count, least) => (count <= CROWDED ? least : Math.max(least, 2 * Math.round(count / MEANS / 2) + 1));

// Centred mean of ``window`` stances; null where fewer are there.
function rolling(values, window) {
  const half = Math.floor(window / 2);
  return values.map((_, i) => {
    const part = values.slice(i - half, i + half + 1);
    return i < half || part.length < window ? null : part.reduce((a, b) => a + b) / part.length;
  });
}

// Those that are in the session's mean of this measure: seen well enough, of running, and of a pelvis against the same.
const LEVELLED = ["pelvic_drop_deg", "hip_adduction_deg"];
function inTheMean(session, key) {
  const level = session.summary?.pelvis_level;
  const another = (s) => LEVELLED.includes(key) && level && s.pelvis_level && s.pelvis_level !== level;
  return session.stances.filter((s) => s.counts && Number.isFinite(s[key]) && !another(s));
}

// The knee is cued by its angle with the camera taken out, or in the picture: both are told of the knee.
const OF_KNEE = ["fppa_deg", "fppa_image_deg"];
const isOf = (key, metric) => metric === key || (OF_KNEE.includes(metric) && OF_KNEE.includes(key));

function sideData(session, side, stances, key, window) {
  const times = stances.map((s) => (s.strike_s + s.toe_off_s) / 2);
  const values = stances.map((s) => s[key]);
  const cues = session.cues.filter((c) => c.side === side && isOf(key, c.metric)).map((c) => c.t_s);
  const cued = stances.map((s, i) => (cues.some((t) => t >= s.strike_s && t <= s.toe_off_s + 0.2) ? values[i] : null));
  return { marks: [times, values, cued], means: [times, rolling(values, window)] };
}

function shape(kind, colour, size, opacity) {
  return (u, index) => {
    const { ctx } = u;
    const r = size * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = colour;
    ctx.globalAlpha = opacity;
    const { left, top, width, height } = u.bbox;
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    u.data[0].forEach((t, i) => {
      const value = u.data[index][i];
      if (value === null || value === undefined) return;
      const [x, y] = [u.valToPos(t, "x", true), u.valToPos(value, "y", true)];
      ctx.beginPath();
      if (kind === "circle") ctx.arc(x, y, r, 0, 2 * Math.PI);
      else if (kind === "square") ctx.rect(x - r, y - r, 2 * r, 2 * r);
      else {
        ctx.moveTo(x, y - 3.2 * r);
        ctx.lineTo(x + 1.5 * r, y - 5.8 * r);
        ctx.lineTo(x - 1.5 * r, y - 5.8 * r);
      }
      ctx.fill();
    });
    ctx.restore();
    return false;
  };
}

// By side, the last threshold of what is drawn: each side has its own, and a cue of another goal has that of another measure.
function thresholds(session, key) {
  const last = (side) => session.cues.findLast((c) => c.side === side && c.metric === key)?.threshold;
  return Object.fromEntries(["left", "right"].map((side) => [side, last(side)]).filter(([, value]) => value !== undefined));
}

// One line in the colour of its side, or one for both where they have the same.
function thresholdLines(found) {
  const both = found.left !== undefined && found.left === found.right;
  const lines = both ? [["bad", found.left]] : Object.entries(found);
  return (u) => {
    for (const [colour, value] of lines) {
      const y = u.valToPos(value, "y", true);
      u.ctx.save();
      u.ctx.strokeStyle = ink(`--${colour}`);
      u.ctx.lineWidth = 1.5 * devicePixelRatio;
      u.ctx.setLineDash([6 * devicePixelRatio, 5 * devicePixelRatio]);
      u.ctx.beginPath();
      u.ctx.moveTo(u.bbox.left, y);
      u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
      u.ctx.stroke();
      u.ctx.restore();
    }
  };
}

const minutes = (t) => `${Math.floor(t / 60)}:${String(Math.floor(t % 60)).padStart(2, "0")}`;

// Knee alignment is seen against zero and the usual threshold; anything else by itself.
const range = (key) => (u, low, high) => (key.startsWith("fppa") ? [Math.min(-5, low - 2), Math.max(15, high + 5)] : [low - 5, high + 5]);

function options(key, limits, opacity) {
  const marks = (label, kind, colour) => ({ label, stroke: colour, paths: () => null, points: { show: shape(kind, colour, 2.6, opacity) } });
  const mean = (label, colour, dash) => ({ label, stroke: colour, width: 2.5, dash, spanGaps: true, points: { show: false } });
  const cue = (label) => ({ label, stroke: ink("--bad"), paths: () => null, points: { show: shape("triangle", ink("--bad"), 2.6, opacity) } });
  const [left, right] = [ink("--left"), ink("--right")];
  return {
    height: HEIGHT,
    cursor: { points: { show: false }, drag: { x: true, y: false } },
    scales: { x: { time: false, range: (u, low, high) => [low - 0.02 * (high - low) - 0.5, high + 0.02 * (high - low) + 0.5] }, y: { range: range(key) } },
    axes: [
      { ...axis(), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600], values: (u, ticks) => ticks.map(minutes), label: "time since the start (min:s)", labelSize: 20, labelGap: 2, labelFont: axis().font },
      { ...axis(), values: degrees, size: 58 },
    ],
    series: [
      { label: "time" },
      marks("left", "circle", left), cue("left cue"), marks("right", "square", right), cue("right cue"),
      mean("left mean", left), mean("right mean", right, [10, 5]), // over all the marks
    ],
    hooks: { drawAxes: [thresholdLines(limits)] },
  };
}

// Returns how many stances are drawn; which thresholds are, by side, and of how many stances the mean is, stand in the
// element's data.
export function drawStances(element, session, key, least) {
  const drawn = inTheMean(session, key);
  const bySide = ["left", "right"].map((side) => drawn.filter((s) => s.side === side));
  const most = Math.max(...bySide.map((stances) => stances.length));
  const window = meanOf(most, least);
  element.dataset.mean = window;
  const sides = ["left", "right"].map((side, i) => sideData(session, side, bySide[i], key, window));
  const points = sides[0].marks[0].length + sides[1].marks[0].length;
  const limits = thresholds(session, key);
  element.dataset.thresholds = JSON.stringify(limits);
  if (points) show(element, () => options(key, limits, Math.min(1, Math.max(PALEST, CROWDED / most))), uPlot.join([...sides.map((side) => side.marks), ...sides.map((side) => side.means)]));
  return points;
}
