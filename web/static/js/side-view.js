// What is shown of each leg where the camera stands at the side: knee alignment is not seen from there.

import { number, setText } from "./text.js";

export class SideMeasures {
  #root;
  #minStances;
  #last; // by measure: the last stances' values, oldest first

  // root: the list of one leg, with an element for each measure; its data say key, degree sign and decimals.
  constructor(root, minStances) {
    this.#root = root;
    this.#minStances = minStances;
    this.reset();
  }

  reset() {
    this.#last = {};
    this.#show();
  }

  stance(stance) {
    for (const { key } of this.#measures()) {
      const value = stance[key];
      if (value === null || value === undefined) continue;
      this.#last[key] = [...(this.#last[key] ?? []), value].slice(-this.#minStances);
    }
    this.#show();
  }

  #measures() {
    return [...this.#root.children].map((row) => ({ row, ...row.dataset }));
  }

  #show() {
    for (const { row, key, mark, decimals } of this.#measures()) {
      const values = this.#last[key] ?? [];
      const n = values.length;
      const enough = n >= this.#minStances;
      const mean = enough ? values.reduce((a, b) => a + b) / n : null;
      const said = enough ? number(mean, decimals) : "";
      setText(row.querySelector("[data-mean]"), enough ? said + mark : "—");
      const below = row.querySelector("[data-below-zero]");
      if (below) below.hidden = !said.startsWith("−");
      let words = `${n} of ${this.#minStances} stances`;
      if (enough) {
        const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
        words = `± ${number(sd, decimals)}${mark}`;
      }
      setText(row.querySelector("[data-spread-of]"), words);
    }
  }
}
