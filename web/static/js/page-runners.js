// The runners' page: of many names only those with what is typed.

const box = document.querySelector("[data-find]");

// As people type it: capitals and accents do not matter.
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();

function find() {
  const asked = plain(box.querySelector("input").value);
  const people = [...document.querySelectorAll(".people li")];
  for (const one of people) one.hidden = !plain(one.querySelector("b").textContent).includes(asked);
  const left = people.filter((one) => !one.hidden).length;
  box.querySelector("[role=status]").textContent = asked ? `${left || "none"} of ${people.length}` : "";
}

if (box) {
  box.hidden = false;
  box.addEventListener("input", find);
  find(); // the browser may have kept what was typed
}
