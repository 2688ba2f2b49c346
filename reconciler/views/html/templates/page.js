"use strict";
// Chooses rows. Without scripts, everything is shown and nothing can be chosen.
const form = document.getElementById("filters");
if (form) {
  const rows = Array.from(document.querySelectorAll("[data-row]"));
  const lists = Array.from(form.querySelectorAll("select"));
  const shown = document.getElementById("shown");
  const choose = () => {
    let count = 0;
    for (const row of rows) {
      row.hidden = !lists.every(
        (list) => list.value === "" || row.getAttribute("data-" + list.name).split(" ").includes(list.value));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count + " of " + rows.length + " shown";
  };
  form.addEventListener("change", choose);
  form.addEventListener("reset", () => setTimeout(choose));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  choose();
}
