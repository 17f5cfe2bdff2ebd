// Filters and sorts the tables of the page. It asks nobody for anything, and changes nothing but what is shown.
"use strict";

(() => {
  const text = document.getElementById("filter-text");
  const status = document.getElementById("filter-status");
  const count = document.getElementById("filter-count");
  const rows = [...document.querySelectorAll("tr[data-status]")].map((row) => ({
    row,
    status: row.dataset.status,
    words: [...row.cells].map((cell) => cell.textContent.toLowerCase()).join("\n"),
  }));

  // What is filtered for is part of the address, so that a view can be handed on.
  function remember() {
    const parameters = new URLSearchParams();
    if (text.value) parameters.set("q", text.value);
    if (status.value) parameters.set("status", status.value);
    history.replaceState(null, "", parameters.size ? `#${parameters}` : location.pathname + location.search);
  }

  function recall() {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return;
    const parameters = new URLSearchParams(hash);
    text.value = parameters.get("q") ?? "";
    status.value = parameters.get("status") ?? "";
    if (status.selectedIndex < 0) status.value = "";
  }

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const it of rows) {
      const fits = (!status.value || it.status === status.value) && words.every((word) => it.words.includes(word));
      it.row.hidden = !fits;
      shown += fits;
    }
    count.textContent = words.length || status.value ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    for (const table of document.querySelectorAll("table.sortable")) {
      const body = [...table.tBodies[0].rows];
      table.classList.toggle("empty", body.length > 0 && body.every((row) => row.hidden));
    }
  }

  function value(row, column) {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  }

  function compare(one, other) {
    return typeof one === "number" ? one - other : one.localeCompare(other, "en", { numeric: true });
  }

  function sort(table, head) {
    const column = head.cellIndex;
    const numbers = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    // Numbers begin with the largest, which is what is looked for.
    const first = numbers ? "descending" : "ascending";
    const second = numbers ? "ascending" : "descending";
    const order = before === first ? second : first;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((one, other) => sign * compare(value(one, column), value(other, column))));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head));
    }
  }

  if (rows.length > 0) {
    const form = document.getElementById("filter");
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      filter();
      remember();
    });
    window.addEventListener("hashchange", () => {
      recall();
      filter();
    });
    recall();
    filter();
  }
})();
