// One angle through the gait cycle: mean and spread of all strides, left solid, right dashed. 0 % is the foot's strike.

import { axis, degrees, ink, show } from "./chart.js";

const HEIGHT = 220;
const PERCENT = Array.from({ length: 101 }, (_, i) => i);

function band(curve) {
  const edge = (sign) => curve.mean.map((mean, i) => (mean === null || curve.sd[i] === null ? null : mean + sign * curve.sd[i]));
  return [edge(1), edge(-1), curve.mean];
}

function toeOff(curves) {
  return (u) => {
    for (const side of ["left", "right"]) {
      const percent = curves[side].toe_off_percent;
      if (percent === null) continue;
      const x = u.valToPos(percent, "x", true);
      u.ctx.save();
      u.ctx.strokeStyle = ink(`--${side}`);
      u.ctx.lineWidth = devicePixelRatio;
      u.ctx.setLineDash(side === "left" ? [] : [5 * devicePixelRatio, 4 * devicePixelRatio]);
      u.ctx.beginPath();
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
      u.ctx.restore();
    }
  };
}

function options(curves, sides) {
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  const mean = (side) => ({ stroke: ink(`--${side}`), width: 2.5, dash: side === "left" ? undefined : [8, 5], points: { show: false } });
  return {
    height: HEIGHT,
    cursor: { show: false },
    scales: { x: { time: false, range: [0, 100] }, y: { range: (u, low, high) => [Math.min(-5, low - 1), Math.max(5, high + 1)] } },
    axes: [
      { ...axis(), values: (u, ticks) => ticks.map((v) => `${v} %`), size: 34 },
      { ...axis(), values: degrees, size: 58 },
    ],
    series: [{}, ...sides.flatMap((side) => [edge, edge, mean(side)])],
    bands: sides.map((side, i) => ({ series: [3 * i + 1, 3 * i + 2], fill: `color-mix(in srgb, ${ink(`--${side}`)} 25%, transparent)` })),
    hooks: { drawAxes: [toeOff(curves)] },
  };
}

// Returns whether there was anything to draw: a mean that enough strides stand behind.
export function drawCycle(element, curves, key) {
  const sides = ["left", "right"].filter((side) => curves?.[side]?.[key]?.mean.some((value) => value !== null));
  if (!sides.length) return false;
  element.hidden = false;
  show(element, () => options(curves, sides), [PERCENT, ...sides.flatMap((side) => band(curves[side][key]))]);
  return true;
}
