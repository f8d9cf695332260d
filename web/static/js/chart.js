// What all charts share: ink from the style sheet, and redrawing when size, colour scheme or medium change.

export const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const axis = () => ({
  stroke: ink("--muted"),
  grid: { stroke: ink("--line"), width: 1 },
  ticks: { stroke: ink("--line") },
  font: "13px system-ui, sans-serif",
});

export const degrees = (u, ticks) => ticks.map((v) => `${v}°`.replace("-", "−"));

// options: makes uPlot's options with the ink of the moment; must set a height.
export function show(element, options, data) {
  const make = () => new uPlot({ width: element.clientWidth, legend: { show: false }, ...options() }, data, element);
  let plot = make();
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: plot.height })).observe(element);
  for (const media of ["(prefers-color-scheme: light)", "print"])
    matchMedia(media).addEventListener("change", () => {
      plot.destroy();
      plot = make();
    });
}
