// Starts the page; ties filters, views, keys and the address together.
"use strict";

function options(id, entries, any) {
  byId(id).replaceChildren(...(any === null ? [] : [make("option", {value: "", textContent: any})]), ...entries.map(([value, name]) => make("option", {value, textContent: name})));
}

function buildFilters() {
  const {index} = explorer, named = (names) => names.map((name, place) => [String(place), name]);
  options("level", named(LEVELS), "any");
  options("class", [...named(index.classes), [String(index.classes.length), "tie"], ["-1", "no vote"]], "any");
  options("speaker", named(index.speakers), "any");
  options("annotator", named(index.annotators), null);
  options("conflict", named(LEVELS), "any");
  options("status", [["kept", "kept"], ["out", "left out"], ...named(index.reasons)], "any");
  options("map-of", named(index.annotators), "people");
  options("pairs-by", named(index.annotators.map((name) => `people and ${name}`)), "two people");
  document.querySelector(".if-annotators").hidden = !index.annotators.length;
  document.querySelector(".if-conflict").hidden = !explorer.columns.conflict;
}

// Say what is missing before anybody looks for it.
function buildNotice() {
  const {index, columns} = explorer, notices = [];
  if (index.silent) notices.push(`This corpus has no sound in this run: ${index.silent}. Votes, distributions and answers are shown without it.`);
  else {
    const without = columns.link.filter((link, row) => link === null && columns.reason[row] < 0).length;
    if (without) notices.push(`${without} utterances have no sound.`);
  }
  if (index.left_out.length) notices.push(`Left out besides utterances: ${index.left_out.map(([stage, reason, n]) => `${n} × ${stage}: ${reason}`).join("; ")}.`);
  byId("notice").textContent = notices.join(" ");
  byId("notice").hidden = !notices.length;
}

async function openCorpus(name) {
  explorer.index = await data(`${name}/index`);
  explorer.columns = explorer.index.columns;
  explorer.chosen = null;
  const {id, transcript} = explorer.columns;
  explorer.texts = id.map((one, row) => `${one}\n${transcript[row] ?? ""}`.toLowerCase());
  explorer.visible = new Uint8Array(id.length).fill(1);
  byId("corpus").value = name;
  buildFilters();
  buildNotice();
  buildLegend();
  buildTable();
  byId("detail").replaceChildren(make("p", {className: "note", textContent: "Choose an utterance."}));
}

function refresh() {
  filterRows();
  drawTable();
  drawMap();
  drawPairs();
}

function filtersChanged() {
  if (explorer.measured !== byId("annotator").value) explorer.sorted.clear(); // another divergence
  refresh();
  writeAddress();
}

async function choose(row, play) {
  explorer.chosen = row;
  writeAddress();
  markRow(row);
  markPoint(row);
  const audio = await showDetail(row);
  if (play && audio) audio.play().catch(() => {}); // its error event says why
}

function showView(name) {
  explorer.view = name;
  for (const other of ["table", "map", "pairs"]) {
    const tab = byId(`tab-${other}`), is = other === name;
    tab.setAttribute("aria-selected", String(is));
    tab.tabIndex = is ? 0 : -1;
    byId(`view-${other}`).hidden = !is;
  }
  if (name === "table") { fitTable(); if (explorer.chosen !== null) markRow(explorer.chosen); }
  drawMap();
  drawPairs();
}

// Follow the address: corpus, filters, view, utterance.
async function follow() {
  const address = readAddress(), {corpora} = explorer.settings;
  const corpus = corpora.includes(address.get("corpus")) ? address.get("corpus") : explorer.index?.corpus ?? corpora[0];
  if (explorer.index?.corpus !== corpus) await openCorpus(corpus);
  for (const name of FILTERS) byId(name).value = address.get(name) ?? (name === "annotator" ? "0" : "");
  sortBy(address.get("sort") ?? "");
  showView(["map", "pairs"].includes(address.get("view")) ? address.get("view") : "table");
  refresh();
  const row = explorer.columns.id.indexOf(address.get("utterance"));
  if (row >= 0) await choose(row, false);
  else if (address.get("utterance")) byId("detail").replaceChildren(make("p", {className: "reason", textContent: `No utterance ${address.get("utterance")} in ${corpus}.`}));
  explorer.ready = true;
}

function move(step) {
  const place = explorer.order.indexOf(explorer.chosen);
  const next = place < 0 ? (step > 0 ? 0 : explorer.order.length - 1) : Math.min(explorer.order.length - 1, Math.max(0, place + step));
  if (explorer.order.length) choose(explorer.order[next], false);
}

function pressed(event) {
  const writing = event.target.closest("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && writing) { writing.blur(); return; }
  if (writing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "/") { byId("q").focus(); byId("q").select(); }
  else if (event.key === " " && !event.target.closest("button, summary, a, audio")) {
    const audio = document.querySelector("#detail audio");
    if (audio) { if (audio.paused) audio.play().catch(() => {}); else audio.pause(); }
  } else return;
  event.preventDefault();
}

function setScheme(dark) {
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  document.documentElement.classList.toggle("dark", dark);
  if (explorer.index) {
    if (explorer.chosen !== null) showDetail(explorer.chosen);
    drawMap();
  }
}

async function start() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  setScheme(system.matches);
  system.addEventListener("change", () => setScheme(system.matches));
  byId("theme").onclick = () => setScheme(!document.documentElement.classList.contains("dark"));
  explorer.settings = await data("settings");
  options("corpus", explorer.settings.corpora.map((name) => [name, name]), null);
  document.querySelector(".several").hidden = explorer.settings.corpora.length < 2;
  byId("corpus").onchange = () => { location.hash = `corpus=${byId("corpus").value}`; };
  byId("filters").addEventListener("input", filtersChanged);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").onclick = () => { for (const name of FILTERS) byId(name).value = name === "annotator" ? "0" : ""; filtersChanged(); };
  byId("map-of").onchange = drawMap;
  byId("pairs-by").onchange = drawPairs;
  for (const name of ["table", "map", "pairs"]) byId(`tab-${name}`).onclick = () => { showView(name); writeAddress(); };
  document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
    const tabs = [...document.querySelectorAll("[role=tab]")], place = tabs.indexOf(event.target);
    const next = {ArrowRight: place + 1, ArrowLeft: place - 1}[event.key];
    if (place >= 0 && next !== undefined) { const tab = tabs[(next + tabs.length) % tabs.length]; tab.focus(); tab.click(); }
  });
  document.addEventListener("keydown", pressed);
  addEventListener("resize", fitTable);
  addEventListener("hashchange", () => { if (location.hash !== explorer.written) follow(); });
  await follow();
}

start().catch((error) => { byId("notice").hidden = false; byId("notice").textContent = `The page cannot be shown: ${error.message}`; throw error; });
