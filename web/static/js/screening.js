// A squat or step-down test that was asked for: what to do, how far it is, and what came of it.

import { capital, setText } from "./text.js";

const TOLD_S = { done: 15, failed: 30, cancelled: 6 }; // in the banner, which is needed for other things
const HURRY_S = 20; // only then it is said that the test ends by itself

const find = (name) => document.querySelector(`[data-test${name}]`);

// Shows the block on the live page; returns whether a test takes the pictures. screening: null where none was asked for.
export function showScreening(screening, runner) {
  const runs = screening?.state === "running";
  find("").hidden = !runs;
  if (!runs) return false;
  const { name, reps, of, message, ready, left_s } = screening;
  setText(find("-name"), capital(name));
  setText(find("-who"), runner ? `of ${runner}` : "without a name");
  setText(find("-reps"), String(reps));
  setText(find("-of"), String(of));
  setText(find("-message"), message);
  setText(find("-left"), left_s <= HURRY_S ? `Ends by itself in ${left_s} s${ready ? " without another repetition" : ""}.` : "");
  const finish = find("-finish");
  if (finish) finish.disabled = reps === 0;
  return true;
}

// What the live page's banner says of a test that has ended; null after some seconds.
export function screeningNotice(screening) {
  if (!screening || screening.state === "running" || screening.age_s > TOLD_S[screening.state]) return null;
  return { level: screening.state === "failed" ? "bad" : "info", text: `${capital(screening.name)}. ${screening.message}` };
}
