// Aiming help: the skeleton as the camera sees it, and the server's checks in words.

import { showCalibration } from "./calibration.js";
import { Skeleton } from "./skeleton.js";
import { LiveSource } from "./source.js";
import { NOBODY, frameTrouble, linkTrouble, noCamera, number, setText, showBanner } from "./text.js";

const MARKS = { good: "✓", warn: "!", bad: "✕", unknown: "?" };
const WORDS = { good: "good", warn: "could be better", bad: "must be mended", unknown: "not known yet" };
const CHECK_MS = 1000;

const find = (name) => document.querySelector(`[data-${name}]`);
const skeleton = new Skeleton(find("skeleton"), false);
const list = find("checks");
let frame = null;
let link = null;

function row(check) {
  const item = document.createElement("li");
  item.dataset.state = check.state;
  item.dataset.key = check.key;
  const part = (name, className, text) => {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = text;
    item.append(element);
    return element;
  };
  part("span", "mark", MARKS[check.state]).setAttribute("aria-hidden", "true");
  part("b", "name", check.label);
  part("span", "visually-hidden", WORDS[check.state]);
  part("span", "said", check.value);
  if (check.advice) part("span", "advice", check.advice);
  return item;
}

// Only what has changed: who reads a list that is made anew each second, by a screen reader, loses their place in it.
function showChecks(checks) {
  checks.forEach((check, i) => {
    const [shown, told] = [list.children[i], JSON.stringify(check)];
    if (shown && shownAs.get(shown) === told) return;
    const item = row(check);
    shownAs.set(item, told);
    if (shown) shown.replaceWith(item);
    else list.append(item);
  });
  while (list.children.length > checks.length) list.lastElementChild.remove();
}
const shownAs = new WeakMap(); // by row, what it tells

function headline(aim) {
  if (link?.device === "silent") return "First the device: while it is silent nothing is found out.";
  if (noCamera(frame?.message)) return "First the camera: without its pictures nothing is found out.";
  if (!aim.seen) return "Let someone run on the belt: everything below is found out from the runner.";
  // Without light nothing else will be found out.
  const light = aim.checks.find((c) => c.key === "light" && c.state === "bad");
  if (light) return light.advice;
  if (aim.advice) return aim.advice;
  // What is not told is no fault of where the camera stands: it comes last.
  const seen = aim.checks.filter((c) => c.key !== "told");
  const worst = seen.find((c) => c.state === "bad" && c.advice) ?? seen.find((c) => c.state === "warn" && c.advice);
  if (worst) return worst.advice;
  if (seen.some((c) => c.state === "unknown")) {
    const runs = frame?.state !== "testing";
    return runs ? "Good so far. Keep running until the rest is known." : "Good so far. The rest is found out when somebody runs.";
  }
  const untold = aim.checks.some((c) => c.key === "told" && c.state === "warn");
  return untold ? "The camera stands well. Type below how high its lens is." : "All good. Leave the camera as it stands.";
}

// Only what this device obeys.
function showTools(offered) {
  for (const form of document.querySelectorAll("[data-command]")) form.hidden = !offered.includes(form.dataset.command);
  find("no-tools").hidden = offered.length > 0;
}

// Why no light and no buzzer can give a cue, where that is so.
function showDark({ gpio, gpio_note: why }) {
  const dark = gpio === false;
  find("dark").hidden = !dark;
  setText(find("dark-why"), why ?? "no GPIO");
  for (const button of document.querySelectorAll("[data-test-cue]")) button.disabled = dark;
}

// What holds now, unless somebody is typing, or has mistyped.
function fill(input, text) {
  if (input.getAttribute("aria-invalid") || input.value !== input.defaultValue || input === document.activeElement) return;
  input.value = input.defaultValue = text;
}

function showTold({ belt_speed_m_s: belt, camera_height_m: lens, camera_height_from: from }) {
  fill(find("told-belt"), belt ? number(belt * 3.6, 1) : "");
  fill(find("told-lens"), from === "page" ? String(Math.round(lens * 1000) / 10) : "");
}

async function check() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/api/aim", { cache: "no-store", signal: AbortSignal.timeout(3000) });
    if (!answer.ok) return;
    const aim = await answer.json();
    showChecks(aim.checks);
    setText(find("advice"), headline(aim));
  } catch {
    // The banner says that the connection is lost.
  }
}

// That nobody is there the headline says. Without a camera there is nothing to check.
function refreshBanner() {
  const told = frame && frame.message !== NOBODY ? frameTrouble(frame) : null;
  showBanner(find("banner"), (link && linkTrouble(link)) ?? told);
  list.hidden = noCamera(frame?.message);
}

const source = new LiveSource();
source.addEventListener("frame", ({ detail }) => {
  frame = detail;
  refreshBanner();
  if (detail.keypoints) skeleton.show(detail);
  else skeleton.clear();
  showCalibration(find("calibration"), detail.calibration ?? null);
});
source.addEventListener("health", ({ detail }) => {
  showTools(detail.commands ?? []);
  showTold(detail);
  showDark(detail);
});
source.addEventListener("link", ({ detail }) => {
  link = detail;
  if (link.device !== "live") {
    frame = null;
    skeleton.clear();
  }
  refreshBanner();
});
source.start();
check();
setInterval(check, CHECK_MS);
