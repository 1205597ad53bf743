"use strict";
for (const box of document.querySelectorAll("[data-search]")) {
  const rows = [...document.querySelectorAll(box.dataset.search)].map((row) => [row, row.textContent.toLowerCase()]);
  const count = box.parentElement.querySelector("output");
  box.parentElement.hidden = false;
  box.addEventListener("input", () => {
    const wanted = box.value.toLowerCase().split(" ").filter(Boolean);
    let shown = 0;
    for (const [row, text] of rows) {
      row.hidden = !wanted.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.value = wanted.length ? `${shown} of ${rows.length}` : "";
  });
}
