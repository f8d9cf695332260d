// The health page's live part.

import { LiveSource } from "./source.js";
import { clock, frameTrouble, linkTrouble, noCamera, number, setText, showBanner, showStoreFault } from "./text.js";

const HOT_C = 80;
const put = (key, text) => setText(document.querySelector(`[data-key=${key}]`), text);
const banner = document.querySelector("[data-banner]");
const storeFault = document.querySelector("[data-store-fault]");

function onHealth(health) {
  put("fps", number(health.fps, 1));
  put("frames", `${health.frames}, ${health.dropped} lost`);
  put("latency", `${number(health.latency_ms?.p50)} / ${number(health.latency_ms?.p99)} ms`);
  const cue = health.frame_to_cue_ms;
  put("cue", cue?.n ? `${number(cue.p50)} / ${number(cue.p99)} / ${number(cue.max)} ms (${cue.n} cues)` : "no cue yet");
  const hot = health.temperature_c;
  put("temperature", hot === null || hot === undefined ? "no sensor" : `${number(hot)} °C${hot >= HOT_C ? ": too hot, the board slows down; give it air" : ""}`);
  put("gpio", health.gpio ? health.gpio_note ?? "connected" : health.gpio_note ?? "none on this machine");
  put("uptime", `${clock(health.uptime_s)} ${health.uptime_s < 3600 ? "min" : "h"}`);
}

const source = new LiveSource();
source.addEventListener("health", ({ detail }) => onHealth(detail));
let frame = null;
let link = null;

// What is wrong, worst first.
function show() {
  const device = link?.device ?? "unknown";
  put("device", device === "live" && noCamera(frame?.message) ? "live, without a camera" : { live: "live", silent: "silent", unknown: "—" }[device]);
  showBanner(banner, (link && linkTrouble(link)) ?? (frame && frameTrouble(frame)));
  showStoreFault(storeFault, frame);
}

source.addEventListener("frame", ({ detail }) => {
  frame = detail;
  put("model", frame.model || "—");
  show();
});
source.addEventListener("link", ({ detail }) => {
  link = detail;
  if (link.device !== "live") frame = null;
  show();
});
source.start();
