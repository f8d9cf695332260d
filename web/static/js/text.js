// Numbers and words for people.

const NO_CAMERA = "no camera"; // so begins what the device says then
export const NOBODY = "nobody in view"; // as in model/quality.py

export function number(value, decimals = 0, signed = false) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "—";
  let text = value.toFixed(decimals);
  if (Number(text) === 0) text = text.replace("-", "");
  else if (signed && value > 0) text = "+" + text;
  return text.replace("-", "−");
}

export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function capital(words) {
  return words[0].toUpperCase() + words.slice(1);
}

// As a sentence of their own; as in model/words.py.
export function sentence(words) {
  return capital(words) + (/[.!?…]$/.test(words) ? "" : ".");
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor(whole / 60) % 60).padStart(hours ? 2 : 1, "0");
  return `${hours ? hours + ":" : ""}${minutes}:${String(whole % 60).padStart(2, "0")}`;
}

// Why nothing is shown, in the order of what must be mended first; null where all is well.
export function linkTrouble({ server, device }) {
  if (server === "lost") return { level: "bad", text: "No connection to the box. Trying again…" };
  if (device === "silent")
    return { level: "bad", text: "The device is silent. If this stays, check camera cable and power, then on the box: sudo kneeline doctor" };
  return null;
}

// What the device says of its pictures; null where all is well. What it says of its store has a banner of its own.
export function frameTrouble({ message, keypoints, store_fault: fault }) {
  if (!message || message === fault) return null;
  return { level: noCamera(message) ? "bad" : keypoints ? "info" : "idle", text: sentence(message) };
}

export function noCamera(message) {
  return Boolean(message?.startsWith(NO_CAMERA));
}

// That sessions are not stored, whatever else there is to say; frame: null while none comes.
export function showStoreFault(banner, frame) {
  const fault = frame?.store_fault;
  showBanner(banner, fault ? { level: "bad", text: sentence(fault) } : null);
}

export function showBanner(banner, trouble) {
  banner.hidden = !trouble;
  setText(banner, trouble ? trouble.text : "");
  banner.dataset.level = trouble ? trouble.level : "";
}
