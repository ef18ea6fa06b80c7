"use strict";
// Filters and sorts the table of changed claims. The page reads the same without it.
(() => {
  const table = document.getElementById("claims");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => ({
    row,
    text: row.textContent.toLowerCase().replace(/\s+/g, " "),
  }));
  const form = document.getElementById("filter");
  const search = document.getElementById("f-text");
  const selects = Array.from(form.querySelectorAll("select"));
  const shown = document.getElementById("shown");

  for (const select of selects) {
    const values = new Set(rows.map(({ row }) => row.dataset[select.dataset.of]));
    for (const value of [...values].sort()) {
      // An option without a value of its own would be "any".
      const option = new Option(value || "not given", value || "\u0000");
      select.add(option);
    }
  }

  function apply() {
    const words = search.value.toLowerCase().replace(/\s+/g, " ").trim();
    const wanted = selects
      .filter((select) => select.value)
      .map((select) => [select.dataset.of, select.value === "\u0000" ? "" : select.value]);
    let count = 0;
    for (const { row, text } of rows) {
      const fits = text.includes(words) && wanted.every(([of, value]) => row.dataset[of] === value);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} listed claims shown`;
  }

  function sort(head) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const of = head.dataset.sort;
    const order = (a, b) => a.localeCompare(b, "en", { numeric: true });
    const sorted = rows.slice().sort((a, b) => order(a.row.dataset[of], b.row.dataset[of]));
    body.append(...(up ? sorted : sorted.reverse()).map(({ row }) => row));
  }

  for (const head of table.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }
  document.getElementById("sort-hint").hidden = false;

  // A cell of the matrix leads to its claims.
  for (const cell of document.querySelectorAll("[data-show]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "show";
    button.append(...cell.childNodes);
    const hint = document.createElement("span");
    hint.className = "unseen";
    hint.textContent = ", show these claims";
    button.append(hint);
    button.addEventListener("click", () => {
      form.reset();
      document.getElementById("f-before").value = cell.dataset.before;
      document.getElementById("f-after").value = cell.dataset.after;
      apply();
      document.getElementById("changes").scrollIntoView();
      document.getElementById("f-before").focus({ preventScroll: true });
    });
    cell.append(button);
  }

  form.addEventListener("input", apply);
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("f-all").addEventListener("click", () => {
    form.reset();
    apply();
  });
  form.hidden = false;
  apply();

  // Paper has no buttons: what is folded away is printed, too.
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
  });
})();
