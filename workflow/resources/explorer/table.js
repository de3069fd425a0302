// The table of utterances: DataTables with its extension Scroller, which keeps only the rows in sight in the page.
"use strict";

const text = Tables.default.render.text();
const escaped = (value) => text.display(value === null ? "–" : value);

// A column: title, value of a row for sorting, text of a row, width.
function column(title, value, words = value, width = "", kind = "") {
  return {
    title, width, className: kind, data: null, type: kind === "number" ? "num" : "string",
    render: (row, type) => (type === "display" ? escaped(words(row)) : type === "sort" ? value(row) ?? (kind ? -1 : "") : ""),
  };
}

function tableColumns() {
  const {columns, index} = explorer, of = (name) => (row) => columns[name][row];
  const play = {
    title: '<span class="hidden">Play</span>', width: "34px", data: null, orderable: false, type: "string",
    render: (row, type) => (type === "display" && columns.link[row] !== null
      ? `<button class="play" type="button" tabindex="-1" aria-label="Play ${escaped(columns.id[row])}">▶</button>` : ""),
  };
  const list = [
    play,
    column("Utterance", of("id"), of("id"), "20%"),
    column("Transcript", (row) => columns.transcript[row] ?? "", (row) => columns.transcript[row] ?? "–", "26%"),
    column("Speaker", (row) => index.speakers[columns.speaker[row]], (row) => index.speakers[columns.speaker[row]] ?? "–", "12%"),
    column("Votes", of("votes"), (row) => String(columns.votes[row] ?? "–"), "9%", "number"),
    column("Majority", majorityName, majorityName, "12%"),
    column("Ambiguity", of("level"), (row) => LEVELS[columns.level[row]] ?? "–", "14%", ""),
    column("Agreed", of("agreement"), (row) => shown(columns.agreement[row]), "12%", "number"),
  ];
  list[6].type = "num";
  if (columns.divergence.length) list.push(column("Divergence", divergence, (row) => shown(divergence(row)), "15%", "number"));
  if (index.reasons.length) list.push(column("Left out", (row) => index.reasons[columns.reason[row]] ?? "", (row) => index.reasons[columns.reason[row]] ?? "", "20%"));
  const total = list.slice(1).reduce((sum, one) => sum + parseFloat(one.width), 0);
  for (const one of list.slice(1)) one.width = `${(95 * parseFloat(one.width)) / total}%`;
  list[0].width = "5%";
  return list;
}

function buildTable() {
  if (explorer.table) explorer.table.destroy();
  byId("utterances").replaceChildren();
  const table = explorer.table = new Tables.default("#utterances", {
    data: explorer.columns.id.map((_, row) => row), columns: tableColumns(), order: [[1, "asc"]],
    layout: {topStart: null, topEnd: null, bottomStart: null, bottomEnd: null}, autoWidth: false,
    scrollY: "100px", scroller: {rowHeight: 31, boundaryScale: 0.6}, scrollCollapse: false, deferRender: true,
    language: {emptyTable: "No utterance", zeroRecords: "No utterance passes the filters"},
    createdRow: (line, row) => {
      line.classList.toggle("left-out", explorer.columns.reason[row] >= 0);
      line.classList.toggle("chosen", row === explorer.chosen);
    },
  });
  table.search.fixed("filters", (_, row) => explorer.visible[row] === 1);
  table.on("draw", () => { explorer.order = table.rows({order: "applied", search: "applied"}).indexes().toArray(); });
  table.on("click", "tbody tr", (event) => {
    const row = table.row(event.target.closest("tr")).index();
    if (row !== undefined) choose(row, Boolean(event.target.closest("button.play")));
  });
  fitTable();
}

// Let the body of the table fill its view.
function fitTable() {
  const view = byId("view-table"), head = view.querySelector(".dt-scroll-head"), body = view.querySelector(".dt-scroll-body");
  if (!head || view.hidden) return;
  const height = `${view.clientHeight - head.offsetHeight - 2}px`;
  body.style.height = body.style.maxHeight = height;
  explorer.table.scroller.measure(false);
  explorer.table.columns.adjust();
}

function drawTable() {
  explorer.table.draw();
}

// Mark the chosen row, and bring it into sight.
function markRow(row, intoSight) {
  for (const line of document.querySelectorAll("#utterances tr.chosen")) line.classList.remove("chosen");
  explorer.table.row(row).node()?.classList.add("chosen");
  const place = explorer.order.indexOf(row);
  if (!intoSight || place < 0 || byId("view-table").hidden) return;
  const body = document.querySelector("#view-table .dt-scroll-body"), rows = Math.floor(body.clientHeight / 31);
  const first = Math.round(explorer.table.scroller.page().start);
  if (place <= first || place >= first + rows - 1) explorer.table.scroller.toPosition(Math.max(0, place - Math.floor(rows / 3)), false);
}
