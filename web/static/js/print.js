// The button of a result that prints it.

document.querySelector("[data-print]").addEventListener("click", () => window.print());
