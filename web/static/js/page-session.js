// A session's charts: the knee stance by stance, and the angles through the gait cycle.

import { drawCycle } from "./cycle-chart.js";
import { drawStances } from "./stance-chart.js";

const chart = document.querySelector("[data-chart]");
const note = document.querySelector("[data-chart-note]");

function instead(text) {
  chart.hidden = true;
  note.hidden = false;
  note.textContent = text;
}

function draw(session) {
  const points = drawStances(chart, session, chart.dataset.key, Number(chart.dataset.minStances));
  chart.dataset.points = points;
  document.querySelector("[data-mean-of]").textContent = chart.dataset.mean;
  if (!points) instead("No stance in this session has it.");
  for (const figure of document.querySelectorAll("[data-cycle]")) {
    figure.hidden = false; // a chart needs its width
    figure.hidden = !drawCycle(figure.querySelector("div"), session.summary?.curves, figure.dataset.cycle);
  }
}

const answer = await fetch(chart.dataset.chart).catch(() => null); // no connection
if (answer?.ok) draw(await answer.json());
else instead("The stances could not be read. Reload the page.");
