// What is shown: data scripts, the chosen corpus and utterance, the filters and the address that names them.
"use strict";

const LEVELS = ["low", "medium", "high"];
const explorer = {
  received: {}, waiting: {}, index: null, columns: null, visible: null, order: [], chosen: null,
  // every data script calls this
  receive(name, value) {
    this.received[name] = value;
    (this.waiting[name] || []).forEach((done) => done(value));
    delete this.waiting[name];
  },
};

// Load a script once; a page opened from disk may load scripts, but no data files.
function load(path) {
  load.once = load.once || {};
  return load.once[path] ||= new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), {src: path, onload: done});
    script.onerror = () => failed(new Error(`${path} cannot be loaded`));
    document.head.append(script);
  });
}

async function data(name) {
  if (!(name in explorer.received)) await load(`data/${name}.js`);
  return explorer.received[name];
}

// The part of a sharded table that is about one row, e.g. its details.
async function ofRow(kind, row) {
  const {shard} = explorer.settings;
  const number = String(Math.floor(row / shard)).padStart(3, "0");
  return (await data(`${explorer.index.corpus}/${kind}-${number}`))[row % shard];
}

// An element with properties and children; text is always text, whatever it holds.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "style") Object.assign(element.style, value);
    else if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);
const shown = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

// The address after #: the utterance and every filter that is set.
const FILTERS = ["q", "level", "class", "speaker", "annotator", "from", "to", "conflict", "status"];

function readAddress() {
  return new URLSearchParams(location.hash.slice(1));
}

function writeAddress() {
  const address = new URLSearchParams();
  if (explorer.settings.corpora.length > 1) address.set("corpus", explorer.index.corpus);
  if (explorer.chosen !== null) address.set("utterance", explorer.columns.id[explorer.chosen]);
  for (const name of FILTERS) if (byId(name).value && !(name === "annotator" && byId(name).value === "0")) address.set(name, byId(name).value);
  if (explorer.sort) address.set("sort", explorer.sort);
  if (explorer.view !== "table") address.set("view", explorer.view);
  explorer.written = `#${address}`;
  history.replaceState(null, "", explorer.written);
}

function majorityName(row) {
  const {classes} = explorer.index, majority = explorer.columns.majority[row];
  return majority < 0 ? "–" : majority === classes.length ? "tie" : classes[majority];
}

function divergence(row) {
  const columns = explorer.columns.divergence;
  return columns.length ? columns[Number(byId("annotator").value)][row] : null;
}

// Which rows pass every filter.
function filterRows() {
  const {columns} = explorer;
  const value = Object.fromEntries(FILTERS.map((name) => [name, byId(name).value]));
  const words = value.q.trim().toLowerCase(), from = parseFloat(value.from), to = parseFloat(value.to);
  const measured = columns.divergence.length ? columns.divergence[Number(value.annotator)] : null;
  const passes = [];
  if (words) passes.push((row) => explorer.texts[row].includes(words));
  if (value.level) passes.push((row) => columns.level[row] === Number(value.level));
  if (value.class) passes.push((row) => columns.majority[row] === Number(value.class));
  if (value.speaker) passes.push((row) => columns.speaker[row] === Number(value.speaker));
  if (value.conflict) passes.push((row) => columns.conflict_third[row] === Number(value.conflict));
  if (value.status === "kept") passes.push((row) => columns.reason[row] < 0);
  else if (value.status === "out") passes.push((row) => columns.reason[row] >= 0);
  else if (value.status) passes.push((row) => columns.reason[row] === Number(value.status));
  if (!Number.isNaN(from)) passes.push((row) => measured[row] !== null && measured[row] >= from);
  if (!Number.isNaN(to)) passes.push((row) => measured[row] !== null && measured[row] <= to);
  let count = 0;
  for (let row = 0; row < columns.id.length; row++) count += explorer.visible[row] = passes.every((pass) => pass(row)) ? 1 : 0;
  byId("count").textContent = `${count} of ${columns.id.length} utterances`;
  explorer.measured = value.annotator;
}
