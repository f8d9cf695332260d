// The live page: skeleton, one gauge for each knee, cues, and what the box is doing.

import { calibrationNotice } from "./calibration.js";
import { Gauge } from "./gauge.js";
import { screeningNotice, showScreening } from "./screening.js";
import { SideMeasures } from "./side-view.js";
import { Skeleton } from "./skeleton.js";
import { CueSound } from "./sound.js";
import { LiveSource } from "./source.js";
import { NOBODY, capital, clock, frameTrouble, linkTrouble, noCamera, number, sentence, setText, showBanner, showStoreFault } from "./text.js";

const CUE_MS = 900;
const ANNOUNCE_MS = 4000;
const CARD_MS = 45000;
const NOTICE_MS = 8000;
const INVITE_MS = 5000;
const UNSTORED = "unstored"; // in the place of the id of a session that the store cannot take, or has not taken yet
const ASKED_MS = 10000;
const KNEE = "fppa_deg";
// Of a stance that is over its limit by no more than noise: it is not cued.
const AT_THE_LIMIT = "at the limit";
const isBeyond = (of, { value, threshold }) => (of.too_little ? value < threshold : value > threshold);
const GOAL_NOTES = { programme: "kept by the programme", session: "for this session" };
// By the camera's state: what its tile says, and in the place of a verdict the knees, whose angles are then those of the picture.
const CAMERA = {
  good: { tile: "position known" },
  approximate: { tile: "oblique, corrected" },
  refused: { tile: "too oblique", knee: "camera too oblique" },
  unknown: { tile: "finding its position", knee: "camera not known yet" },
};

// By how the server is heard; else by how the device is.
const LINKS = { connecting: "connecting…", lost: "no connection", unknown: "connecting…", silent: "device silent", live: "live" };

const NOBODY_RAN = { level: "info", text: "Nobody ran: nothing was stored." };
const NOT_SENT = { level: "bad", text: "Not sent: no connection to the box." };

const find = (name) => document.querySelector(`[data-${name}]`);
const stage = find("live");
const fixedThreshold = Number(stage.dataset.threshold);
const minStances = Number(stage.dataset.minStances);
const minQuality = Number(stage.dataset.minQuality);
const goals = JSON.parse(stage.dataset.goals);
let goal = KNEE;
const skeleton = new Skeleton(find("skeleton"), true);
const sound = new CueSound(find("sound"), find("sound-text"));
const banner = find("banner");
const last = find("last"); // with where to sign in, where the result is not for everybody

class Knee {
  known = true;
  instead;

  constructor(side) {
    this.side = side;
    this.root = document.querySelector(`.side[data-side=${side}]`);
    this.gauge = new Gauge(this.root.querySelector("[data-bar]"), side);
    this.measures = new SideMeasures(this.root.querySelector("[data-measures]"), minStances);
    this.cueBox = this.root.querySelector("[data-cue]");
    this.reset();
  }

  reset() {
    this.stances = [];
    this.threshold = fixedThreshold;
    this.own = false;
    this.measures.reset();
    this.show();
  }

  // Until the camera's position is known there is only the angle in the picture; then no threshold is applied to it.
  // That it is known the device says for both knees at once: the last stance of each still lacks the angle then.
  place(instead) {
    const known = instead === undefined;
    this.instead = instead;
    if (known === this.known) return;
    this.known = known;
    this.stances = [];
    this.show();
  }

  // A stance that was not seen well enough does not count, as in the session's result.
  stance(stance) {
    if (stance.quality < minQuality) return;
    this.measures.stance(stance);
    const angle = this.known ? stance.fppa_deg : stance.fppa_image_deg;
    if (angle === null || angle === undefined) return;
    this.stances = [...this.stances, angle].slice(-minStances);
    this.show();
  }

  show() {
    const enough = this.stances.length >= minStances;
    const mean = enough ? this.stances.reduce((a, b) => a + b) / this.stances.length : null;
    setText(this.root.querySelector("[data-value]"), mean === null ? "—" : number(mean, 1, true) + "°");
    let spread = `${this.stances.length} of ${minStances} stances`;
    if (enough) {
      const sum = this.stances.reduce((a, b) => a + (b - mean) ** 2, 0);
      spread = `± ${number(Math.sqrt(sum / (this.stances.length - 1)), 1)}° · last ${minStances} stances`;
    }
    if (!this.known) spread += " · in the picture";
    else if (this.own && goal === KNEE) spread += ` · own limit ${number(this.threshold, 1)}°`;
    setText(this.root.querySelector("[data-spread]"), spread);
    this.gauge.update(this.stances, mean, this.known && goal === KNEE ? this.threshold : null);
  }

  // The threshold, and whether it comes from the runner's own baseline.
  limit(threshold, own = this.own) {
    if (threshold === undefined || threshold === null || (threshold === this.threshold && own === this.own)) return;
    this.threshold = threshold;
    this.own = own;
    this.show();
  }

  cue(cue) {
    if (cue.metric === KNEE) this.limit(cue.threshold);
    const words = cueWords(cue);
    setText(this.cueBox.querySelector("[data-cue-text]"), capital(words));
    const picture = cue.metric === "fppa_image_deg"; // no limit that is not in the picture holds there
    setText(this.cueBox.querySelector("[data-cue-value]"), picture ? "" : cue.metric === KNEE
      ? `${number(cue.value, 0, true)}° · limit ${number(cue.threshold)}°`
      : against(goals[cue.metric], cue));
    this.cueBox.hidden = false;
    this.root.dataset.cued = "yes";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.cueBox.hidden = true;
      delete this.root.dataset.cued;
    }, CUE_MS);
  }

  get alerting() {
    return this.root.dataset.cued === "yes";
  }

  // The last stance of another goal than the knee's.
  aim(side) {
    const line = this.root.querySelector("[data-goal-value]");
    const told = goal !== KNEE && side?.value !== null && side?.value !== undefined;
    line.hidden = !told;
    if (told) setText(line, `${goals[goal].label} ${against(goals[goal], side).replace(" · ", "\n")}`);
  }

  // What the last stance of this knee says; nothing while the runner is to go by feel, and nothing from the side. Returns
  // its state: "good", "bad" or "off".
  judge(seen, side, quiet) {
    const verdict = side?.verdict;
    let state = "off";
    let text = seen ? "measuring…" : "no runner";
    if (seen && aside()) text = "";
    else if (seen && quiet) text = quiet;
    else if (seen && verdict) {
      state = verdict;
      text = state === "good" && isBeyond(goals[goal], side) ? AT_THE_LIMIT : goals[goal][state];
    } else if (seen && this.stances.length && goal === KNEE) {
      if (this.known) state = this.threshold !== null && this.stances.at(-1) > this.threshold ? "bad" : "good";
      text = this.known ? goals[goal][state] : this.instead;
    }
    this.root.dataset.state = state;
    setText(this.root.querySelector("[data-state-text]"), text);
    this.root.querySelector("[data-state-of]").hidden = state === "off"; // the number above is of several
    this.root.querySelector(".state").hidden = !text;
    return state;
  }

  // Of its name: knee alignment is not seen from the side.
  name() {
    const name = capital(`${this.side} ${aside() ? "leg" : "knee"}`);
    setText(this.root.querySelector("[data-leg]"), name);
    this.root.setAttribute("aria-label", name);
  }
}

const amount = (value, { unit, decimals }) => number(value, decimals) + (unit === "°" ? "°" : ` ${unit === "spm" ? "steps/min" : unit}`);

// A value of a goal and its limit, in centimetres where the runner's height is known.
function against(words, { value, threshold, value_cm: valueCm, threshold_cm: thresholdCm }) {
  const limit = words.too_little ? "at least" : "limit";
  if (valueCm !== null && valueCm !== undefined) return `${number(valueCm, 1)} cm · ${limit} ${number(thresholdCm, 1)} cm`;
  return `${amount(value, words)} · ${limit} ${amount(threshold, words)}`;
}

function cueWords({ metric, side }) {
  return goals[metric === "fppa_image_deg" ? KNEE : metric].cue.replace("{side}", side);
}

let view = null; // the last that is known: it stays the camera's while nobody is there
const aside = () => view === "side";

const knees = { left: new Knee("left"), right: new Knee("right") };
let frame = null;
let link = { server: "connecting", device: "unknown" };
let session = null; // the id of the session that runs
let opened = true; // this page has had no frame yet, or none since it was hidden or cut off
let held = []; // stances that came before it is known what this page has missed; null: they are shown as they come
let openings = 0;
let ended = null; // the one that ran last
let discarded = null; // the one in which nobody ran
let runner = null; // the name of who runs
let choosable = false; // whether the device knows runners
let testable = false; // whether it makes tests
let calibratable = false; // whether it calibrates
let tested = false; // whether what ended last was a test
let notice = null; // as why what was asked for last was not done, for some seconds
let announcedAt = -Infinity;
let cardTimer = 0;
let noticeTimer = 0;

function refreshBanner() {
  const testing = frame?.screening?.state === "running"; // the block of the test says what is in the way
  const said = testing && notice === NOBODY_RAN ? null : notice; // it is of the run that made way for the test
  let trouble = said === NOT_SENT ? said : linkTrouble(link) ?? said ?? newestNotice(frame ?? {});
  const nobody = frame && (!frame.keypoints || frame.message === NOBODY);
  if (frame?.message !== NOBODY) trouble ??= frame && frameTrouble(frame); // what to do about that is said below
  if (!trouble && frame && !nobody && aside() && !testing) trouble = { level: "info", text: `Knee alignment is not seen from the side. Measured: ${stage.dataset.sideWords}.` };
  if (!trouble && nobody && !testing) trouble = { level: "idle", text: "Nobody in view. Step onto the belt, whole in the picture." };
  showBanner(banner, trouble);
  showStoreFault(find("store-fault"), frame);
  const waits = choosable && link.device === "live" && frame && !frame.keypoints && !noCamera(frame.message);
  find("idle").hidden = testing || !waits;
  document.body.dataset.device = link.device;
}

// Of a test and a calibration: what was asked for last, or has come of it last; nothing once a test or a run has begun since.
function newestNotice({ screening, calibration, session_s: ranS }) {
  const testing = screening?.state === "running";
  const past = (one) => one && one.state !== "running" && (testing || (ranS ?? Infinity) < one.age_s);
  const notices = [past(screening) ? null : screeningNotice(screening), past(calibration) ? null : calibrationNotice(calibration)];
  if (screening?.age_s > calibration?.age_s) notices.reverse();
  return notices[0] ?? notices[1];
}

function onFrame(message) {
  frame = message;
  const seen = Boolean(message.keypoints);
  const states = {};
  const testing = message.screening?.state === "running";
  followView(message.view);
  followGoal(message.coach);
  const quiet = followCoach(message.coach);
  const camera = message.camera;
  const place = CAMERA[camera?.state] ?? CAMERA.unknown;
  for (const [side, knee] of Object.entries(knees)) {
    knee.place(place.knee);
    knee.aim(message[side]);
    knee.limit(message[side]?.threshold_deg ?? message.threshold_deg, message[side]?.basis === "baseline");
    const state = knee.judge(seen, message[side], quiet);
    states[side] = knee.alerting || message[side]?.alert ? "bad" : goal === KNEE && !testing ? state : "off";
  }
  if (seen && message.image_size) skeleton.show(message, states, !quiet && !testing);
  else skeleton.clear();
  setText(find("cadence"), number(message.cadence_spm));
  setText(find("model"), message.model ?? "");
  setText(find("caption"), message.view === "front" ? "as in a mirror" : message.view ? `${message.view} view` : "");
  find("camera").dataset.state = camera?.state ?? "unknown";
  setText(find("camera"), noCamera(message.message) ? "none" : aside() ? "at the side" : camera ? place.tile : "—");
  find("camera-moved").hidden = !camera?.moved;
  setText(find("camera-advice"), camera?.advice ?? "");
  followSession(message.session_id, message.session_s);
  if (opened) recall();
  opened = false;
  followTest(message.screening);
  refreshBanner();
}

function followView(seen) {
  if (!seen || seen === view) return;
  view = seen;
  stage.dataset.view = view;
  for (const knee of Object.values(knees)) knee.name();
}

function followGoal(coach) {
  const before = goal;
  goal = coach?.metric in goals ? coach.metric : KNEE;
  setText(find("goal"), aside() ? "none" : goals[goal].label);
  const off = coach?.kept_back === "off" ? "cues are switched off in the settings" : null;
  setText(find("goal-note"), aside() ? "nothing is coached from the side" : off ?? (coach?.metric_from === "runner" ? `of ${runner ?? "the runner"}` : GOAL_NOTES[coach?.metric_from] ?? ""));
  setText(find("programme-label"), `Programme: ${goals[goal].label.toLowerCase()}`);
  find("goal-tile").hidden = Boolean(coach?.programme);
  if (goal !== before) for (const knee of Object.values(knees)) knee.show();
}

// The programme, the metronome, and whether the numbers are hidden now; returns what stands in their place.
function followCoach(coach) {
  const programme = coach?.programme;
  const measuring = coach?.kept_back !== "off" && coach?.measuring;
  const quiet = !aside() && coach && !coach.feedback && (measuring || programme) ? (measuring ? "measuring…" : "by feel") : "";
  stage.dataset.quiet = quiet ? "yes" : "no";
  sound.metronome(coach?.metronome_spm ?? null);
  find("programme").hidden = !programme;
  if (!programme) return quiet;
  const { session: which, time, on_target: onTarget } = programme.words;
  setText(find("programme-session"), which);
  setText(find("programme-note"), [time, onTarget].filter(Boolean).join(" · "));
  return quiet;
}

// The device says how long the session has lasted: this page may have been opened amid it.
function followSession(stored, lastedS) {
  const runs = lastedS !== null && lastedS !== undefined;
  const id = stored ?? (runs ? UNSTORED : null);
  stage.dataset.runs = id === null ? "no" : "yes";
  if (id === null) {
    if (session !== null) {
      ended = session;
      sayEnded();
      forget();
    }
    session = null;
    return;
  }
  if (session !== id) {
    if (session !== null && session !== UNSTORED) forget(); // a moment later it has its number
    session = id;
    hideCard();
  }
  if (runs) setText(find("session"), clock(lastedS));
}

// From here on stances are missed: what is shown then are not the last ones.
function miss() {
  opened = true;
  held = [];
  openings += 1;
}

// This page was opened or hears again, perhaps amid a session: what it has missed of that is in the store.
async function recall() {
  const [id, opening] = [session, openings];
  let before = [];
  if (id !== null && id !== UNSTORED) {
    try {
      const answer = await fetch("/api/live/stances", { cache: "no-store", signal: AbortSignal.timeout(3000) });
      if (answer.ok) before = (await answer.json()).stances;
    } catch {
      // The numbers begin with the next stance.
    }
  }
  if (opening !== openings) return; // it has missed more since
  const since = held;
  held = null;
  if (session !== id) before = [];
  if (before.length) for (const knee of Object.values(knees)) knee.reset(); // the store knows all of them
  const told = (one) => since.some((other) => other.side === one.side && other.strike_s === one.strike_s);
  for (const one of [...before.filter((one) => !told(one)), ...since]) onStance(one);
}

function onStance(stance) {
  if (held) held.push(stance);
  else knees[stance.side]?.stance(stance);
}

// One in which nobody took a step was no session: nothing of it is shown.
function sayEnded() {
  setText(find("session"), ended === UNSTORED ? "not stored" : ended === discarded ? "none" : "ended");
}

function onSession({ session_id: id, state }) {
  if (state === "ended") showCard(id);
  if (state !== "discarded" || (session !== id && ended !== id)) return; // of one before this page it is no news
  discarded = id;
  if (session === null && ended === id) sayEnded();
  say(NOBODY_RAN);
}

// While there is a test nobody runs: it takes the place of the knees' gauges, and of the form that begins one.
function followTest(screening) {
  const runs = showScreening(screening, runner);
  if (runs && stage.dataset.testing !== "yes") hideCard();
  if (runs) tested = true;
  stage.dataset.testing = runs ? "yes" : "no";
  const form = find("tests");
  if (form) form.hidden = runs || !testable;
  const calibrate = find("calibrate");
  if (calibrate) calibrate.hidden = runs || !calibratable;
}

// The next runner's numbers are not this one's.
function forget() {
  if (held) held = [];
  for (const knee of Object.values(knees)) knee.reset();
}

function onCue(cue) {
  const knee = knees[cue.side];
  if (!knee) return;
  knee.cue(cue);
  sound.play(cue.side);
  const now = performance.now();
  if (now - announcedAt > ANNOUNCE_MS) {
    announcedAt = now;
    find("announce").textContent = "";
    setTimeout(() => setText(find("announce"), cueWords(cue)), 50);
  }
}

let carded = null; // the session whose result is shown, or asked for
async function showCard(id) {
  carded = id;
  if (last.dataset.signIn) {
    const link = last.querySelector("a");
    link.href = `${last.dataset.signIn}?next=/sessions/${id}`;
    revealCard();
    return;
  }
  try {
    const answer = await fetch(`/sessions/${id}/card`, { headers: { Accept: "application/json" } });
    const told = await answer.text();
    if (carded !== id) return; // another has ended since, whose result came first
    if (answer.status === 503) {
      const { error } = JSON.parse(told);
      last.replaceChildren(Object.assign(document.createElement("p"), { textContent: `The session has ended. Its result cannot be read: ${error}` }));
      revealCard();
    }
    if (!answer.ok) return;
    const card = new DOMParser().parseFromString(told, "text/html").body;
    last.replaceChildren(...card.childNodes);
    revealCard();
  } catch {
    // The banner says that the connection is lost; the result is among the sessions.
  }
}

function revealCard() {
  last.hidden = false;
  const ofTest = Boolean(last.querySelector(".test-heads"));
  if (ofTest) stage.before(last);
  else find("strip").after(last);
  if (tested) (ofTest ? document.body : last).scrollIntoView(); // who has made a test waits for it
  tested = false;
  clearTimeout(cardTimer);
  if (stage.dataset.kiosk !== undefined) cardTimer = setTimeout(hideCard, CARD_MS);
}

function hideCard() {
  last.hidden = true;
}

function onHealth(health) {
  runner = health.runner?.name ?? null;
  calibratable = Boolean(health.commands?.includes("calibrate"));
  setText(find("runner"), health.runner ? health.runner.name : "Session");
  testable = Boolean(health.commands?.includes("start_screening"));
  choosable = Boolean(health.commands?.includes("select_runner"));
  setText(find("fps"), number(health.fps));
  setText(find("cue-p50"), number(health.frame_to_cue_ms?.p50));
  setText(find("cue-p99"), number(health.frame_to_cue_ms?.p99));
}

function onLink(state) {
  link = state;
  setText(find("link"), LINKS[state.server] ?? LINKS[state.device]);
  if (state.device !== "live") {
    skeleton.clear();
    for (const knee of Object.values(knees)) knee.judge(false);
    sound.metronome(null);
    frame = null;
  }
  if (state.server === "lost") miss();
  refreshBanner();
}

// By which address the box is found is not known until there is a network, and may become another.
async function invite() {
  const idle = find("idle");
  if (idle.hidden || document.hidden) return;
  try {
    const answer = await fetch(idle.dataset.idle, { cache: "no-store", signal: AbortSignal.timeout(3000) });
    const told = answer.ok && !answer.redirected ? await answer.text() : invited;
    if (told === invited) return;
    invited = told;
    idle.replaceChildren(...new DOMParser().parseFromString(told, "text/html").body.childNodes);
  } catch {
    // The banner says that the connection is lost.
  }
}
let invited = null;
setInterval(invite, INVITE_MS);

// In the banner, for some seconds.
function say(what) {
  notice = what;
  refreshBanner();
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    notice = null;
    refreshBanner();
  }, NOTICE_MS);
}

// The page stays as it is, with the stances it has seen; the banner says the rest.
async function ask(event) {
  event.preventDefault();
  const form = event.target;
  if (asked.has(form)) return; // a double click asks once
  asked.add(form);
  const body = new FormData(form);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(ASKED_MS) });
    const { sent, message, error } = await answer.json();
    say(sent ? null : { level: "bad", text: sentence(message ?? error) });
  } catch {
    say(NOT_SENT);
  } finally {
    asked.delete(form);
  }
}
const asked = new Set(); // forms of which no answer has come yet
for (const form of document.querySelectorAll("[data-ask]")) form.addEventListener("submit", ask);

const source = new LiveSource();
const on = (type, act) => source.addEventListener(type, (event) => act(event.detail));
on("frame", onFrame);
on("cue", onCue);
on("stance", onStance);
on("session", onSession);
on("health", onHealth);
on("link", onLink);
document.addEventListener("visibilitychange", miss); // a hidden page hears nothing
source.start();
