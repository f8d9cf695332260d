// A standing calibration that was asked for: what to do, how far it is, and the result.

import { number, setText } from "./text.js";

const TOLD_S = 8; // on the live page, where the banner is needed for other things

function rows({ view, leg_px, leg_cm, knee_left_deg, knee_right_deg, roll_deg }) {
  const angle = (value) => (value === null ? "—" : `${number(value, 1, true)}°`);
  const knee = view === "side" ? "Knee flexion" : "Knee alignment in the picture";
  const leg = `${number(leg_px)} px in the picture${leg_cm === null ? "" : `, about ${number(leg_cm)} cm`}`;
  const found = [["Leg length", leg], [`${knee}, left`, angle(knee_left_deg)], [`${knee}, right`, angle(knee_right_deg)]];
  return view === "side" ? found : [...found, ["Tilt of the picture (roll)", angle(roll_deg)]];
}

function row([term, value]) {
  const parts = ["div", "dt", "dd"].map((name) => document.createElement(name));
  parts[1].textContent = term;
  parts[2].textContent = value;
  parts[0].append(parts[1], parts[2]);
  return parts[0];
}

// The block on the set-up page; calibration: null where nothing was asked for.
export function showCalibration(block, calibration) {
  block.hidden = !calibration;
  if (!calibration) return;
  const { state, message, held_s, of_s, result } = calibration;
  block.dataset.state = state;
  setText(block.querySelector("[data-calibration-text]"), message);
  const held = block.querySelector("progress");
  held.hidden = state !== "running";
  held.max = of_s;
  held.value = held_s;
  const list = block.querySelector("[data-calibration-result]");
  const found = JSON.stringify(result);
  if (list.dataset.found === found) return;
  list.dataset.found = found;
  list.replaceChildren(...(result ? rows(result).map(row) : []));
}

// What the live page's banner says; null where nothing was asked for, and some seconds after the result.
export function calibrationNotice(calibration) {
  if (!calibration || (calibration.state !== "running" && calibration.age_s > TOLD_S)) return null;
  const { state, message, held_s, of_s, result } = calibration;
  if (state === "failed") return { level: "bad", text: message };
  if (state === "done") return { level: "info", text: `${message} Leg length ${number(result.leg_px)} px${result.leg_cm === null ? "" : `, about ${number(result.leg_cm)} cm`}.` };
  return { level: "info", text: `Standing calibration. ${message}${held_s ? ` ${Math.ceil(of_s - held_s)} s more.` : ""}` };
}
