// The table of utterances: DataTables with its extension Scroller, which asks for the rows in sight alone.
"use strict";

const ROW = 31; // height of a row, pixels; also in explorer.css
const text = Tables.default.render.text();
const escaped = (value) => text.display(value ?? "–");
const collator = new Intl.Collator("en", {numeric: true});

// A column: title, value of a row for sorting (null comes last), text of a row, relative width, class.
function column(title, width, value, words = value, className = "") {
  return {title, width, value, className, data: null, type: "html", render: (row) => escaped(words(row))};
}

function tableColumns() {
  const {columns, index} = explorer, of = (name) => (row) => columns[name][row];
  const speaker = (row) => index.speakers[columns.speaker[row]] ?? null, reason = (row) => index.reasons[columns.reason[row]] ?? null;
  const play = {
    title: '<span class="hidden">Play</span>', width: "5%", data: null, orderable: false, type: "html",
    render: (row) => (columns.link[row] === null || index.silent ? ""
      : `<button class="play" type="button" tabindex="-1" aria-label="Play ${escaped(columns.id[row])}">▶</button>`),
  };
  const list = [
    column("Utterance", 24, of("id"), of("id"), "words"),
    column("Transcript", 25, of("transcript"), of("transcript"), "words"),
    column("Speaker", 13, speaker),
    column("Votes", 9, of("votes"), of("votes"), "number"),
    column("Majority", 12, majorityName),
    column("Ambiguity", 16, (row) => (columns.level[row] < 0 ? null : columns.level[row]), (row) => LEVELS[columns.level[row]]),
    column("Agreed", 12, of("agreement"), (row) => shown(columns.agreement[row]), "number"),
  ];
  if (columns.divergence.length) list.push(column("Divergence", 17, divergence, (row) => shown(divergence(row)), "number"));
  if (index.reasons.length) list.push(column("Left out", 16, reason, (row) => reason(row) ?? "", "words"));
  if (columns.transcript.every((one) => one === null)) list.splice(1, 1);
  const total = list.reduce((sum, one) => sum + one.width, 0);
  for (const one of list) one.width = `${(95 * one.width) / total}%`;
  return [play, ...list];
}

// All rows in the order of a column; sorted once, until explorer.sorted is emptied.
function sortedRows(place, descending) {
  const key = `${place} ${descending}`;
  if (!explorer.sorted.has(key)) {
    const {value} = explorer.tableColumns[place], values = explorer.columns.id.map((_, row) => value(row));
    const words = values.some((one) => typeof one === "string"), known = [], unknown = [];
    values.forEach((one, row) => (one === null ? unknown : known).push(row));
    const compare = words ? (a, b) => collator.compare(values[a], values[b]) : (a, b) => values[a] - values[b];
    known.sort(descending ? (a, b) => compare(b, a) || a - b : (a, b) => compare(a, b) || a - b);
    explorer.sorted.set(key, known.concat(unknown));
  }
  return explorer.sorted.get(key);
}

function orderRows([by]) {
  const {column: place, dir} = by?.dir ? by : {column: 1, dir: "asc"};
  explorer.order = sortedRows(place, dir === "desc").filter((row) => explorer.visible[row]);
  const sort = place === 1 && dir === "asc" ? "" : `${place} ${dir}`;
  if (sort !== explorer.sort && explorer.ready) { explorer.sort = sort; writeAddress(); }
}

// Sort as an address says, e.g. "7 desc": the seventh column after that of the buttons.
function sortBy(sort) {
  const [place, dir] = (explorer.sort = sort).split(" ");
  const known = explorer.tableColumns[place]?.value && ["asc", "desc"].includes(dir);
  explorer.table.order([known ? [Number(place), dir] : [1, "asc"]]);
}

function buildTable() {
  if (explorer.table) explorer.table.destroy();
  byId("utterances").replaceChildren();
  explorer.sorted = new Map();
  explorer.tableColumns = tableColumns();
  const table = explorer.table = new Tables.default("#utterances", {
    columns: explorer.tableColumns, order: [[1, "asc"]], autoWidth: false, searching: false,
    serverSide: true, // its server is this function: filters and order are the page's own
    ajax: (request, done) => {
      orderRows(request.order);
      done({
        draw: request.draw, recordsTotal: explorer.columns.id.length, recordsFiltered: explorer.order.length,
        data: explorer.order.slice(request.start, request.start + request.length),
      });
    },
    layout: {topStart: null, topEnd: null, bottomStart: null, bottomEnd: null},
    scrollY: "100px", scroller: {rowHeight: ROW, displayBuffer: 2, boundaryScale: 0.6, serverWait: 20},
    language: {emptyTable: "No utterance passes the filters", zeroRecords: "No utterance passes the filters"},
    createdRow: (line, row) => {
      line.dataset.row = row;
      line.classList.toggle("left-out", explorer.columns.reason[row] >= 0);
      line.classList.toggle("chosen", row === explorer.chosen);
    },
  });
  table.on("click", "tbody tr[data-row]", (event) => {
    choose(Number(event.target.closest("tr").dataset.row), Boolean(event.target.closest("button.play")));
  });
  fitTable();
}

// Let the body of the table fill its view.
function fitTable() {
  const view = byId("view-table"), head = view.querySelector(".dt-scroll-head"), body = view.querySelector(".dt-scroll-body");
  if (!head || view.hidden) return;
  body.style.height = body.style.maxHeight = `${view.clientHeight - head.offsetHeight - 2}px`;
  explorer.table.columns.adjust();
  explorer.table.scroller.measure(true);
}

function drawTable() {
  explorer.table.draw();
}

// Mark the chosen row, and bring it into sight.
function markRow(row) {
  for (const line of document.querySelectorAll("#utterances tr[data-row]")) line.classList.toggle("chosen", Number(line.dataset.row) === row);
  const place = explorer.order.indexOf(row), body = document.querySelector("#view-table .dt-scroll-body");
  if (place < 0 || byId("view-table").hidden) return;
  const {start, end} = explorer.table.scroller.page(); // the first and the last row in sight
  if (place < start || place >= end) explorer.table.scroller.toPosition(Math.max(0, place - Math.floor(body.clientHeight / ROW / 3)), false);
}
