// The map of distributions (Bokeh), and the list of the most and the least agreed.
"use strict";

const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999933", "#AA4499", "#44AA99", "#882255", "#6699CC", "#DDCC77"];
const MARKERS = ["circle", "triangle", "square", "diamond"];
const TIE = "#888888", RANKS = 30;

function classColour(majority) {
  return majority < 0 || majority >= explorer.index.classes.length ? TIE : COLOURS[majority % COLOURS.length];
}

function mapData() {
  const {columns} = explorer, of = byId("map-of").value;
  const places = of === "" ? columns.place : columns.synthetic_place[Number(of)];
  const rows = [];
  explorer.visible.forEach((is, row) => { if (is && places[row][0] !== null) rows.push(row); });
  return {
    row: rows, x: rows.map((row) => places[row][0]), y: rows.map((row) => places[row][1]), id: rows.map((row) => columns.id[row]),
    said: rows.map((row) => columns.transcript[row] ?? ""), majority: rows.map(majorityName),
    colour: rows.map((row) => classColour(columns.majority[row])),
    marker: rows.map((row) => MARKERS[Math.max(0, Math.floor(columns.majority[row] / COLOURS.length)) % MARKERS.length]),
  };
}

async function buildMap() {
  await load("lib/bokeh.min.js");
  await load("lib/bokeh-api.min.js");
  const style = getComputedStyle(document.documentElement), ink = getComputedStyle(document.body).color;
  const soft = resolved("--soft"), {corners, classes} = explorer.index;
  const source = new Bokeh.ColumnDataSource({data: mapData()});
  const size = Math.max(5, Math.min(8, 300 / Math.sqrt(explorer.columns.id.length)));
  const plot = Bokeh.Plotting.figure({
    tools: "pan,wheel_zoom,box_zoom,reset,tap",
    sizing_mode: "stretch_both", match_aspect: true, x_range: [-1.6, 1.6], y_range: [-1.25, 1.3], background_fill_alpha: 0, border_fill_alpha: 0, outline_line_color: null,
  });
  plot.axis.visible = false;
  plot.grid.visible = false;
  plot.toolbar.logo = null;
  plot.patch(corners.map((corner) => corner[0]), corners.map((corner) => corner[1]), {fill_alpha: 0, line_color: soft});
  for (const [c, [x, y]] of corners.entries()) {
    const side = Math.abs(x) < 0.3 ? "center" : x > 0 ? "left" : "right";
    plot.text([1.17 * x], [1.15 * y], [classes[c]], {text_color: ink, text_align: side, text_baseline: "middle", text_font_size: "13px"});
  }
  plot.scatter({field: "x"}, {field: "y"}, {source, size, marker: {field: "marker"}, fill_color: {field: "colour"}, line_color: resolved("--paper"), line_width: 0.5, fill_alpha: 0.8, nonselection_fill_alpha: 0.6, selection_line_color: ink, selection_line_width: 2});
  plot.add_tools(new Bokeh.HoverTool({tooltips: [["", "@id"], ["", "@said"], ["majority", "@majority"]], renderers: [plot.renderers.at(-1)]}));
  const hits = source.selected;
  source.selected.properties.indices.change.connect(() => {
    const rows = hits.indices.map((place) => source.data.row[place]);
    if (!rows.length || explorer.fromMap) return;
    choose(rows[(rows.indexOf(explorer.chosen) + 1) % rows.length], true); // points that overlap take turns
  });
  byId("map").replaceChildren();
  await Bokeh.Plotting.show(plot, byId("map"));
  explorer.map = {plot, source, scheme: style.colorScheme, corpus: explorer.index.corpus};
}

// A colour variable as the browser resolves it.
function resolved(variable) {
  const probe = make("i", {style: {color: `var(${variable})`}});
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

async function drawMap() {
  if (byId("view-map").hidden) return;
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  if (explorer.map?.scheme !== scheme || explorer.map.corpus !== explorer.index.corpus) await (explorer.building ||= buildMap().finally(() => { explorer.building = null; }));
  else explorer.map.source.data = mapData();
  markPoint(explorer.chosen);
}

function markPoint(row) {
  if (!explorer.map || byId("view-map").hidden) return;
  const place = explorer.map.source.data.row.indexOf(row);
  explorer.fromMap = true;
  explorer.map.source.selected.indices = place < 0 ? [] : [place];
  explorer.fromMap = false;
}

function buildLegend() {
  const names = [...explorer.index.classes, "tie"];
  byId("legend").replaceChildren(...names.map((name, place) => make("li", {}, make("i", {style: {background: classColour(place)}}), name)));
  const many = explorer.index.classes.length > 3;
  byId("map-note").textContent = "A point is an utterance, a corner a class: the more votes for a class, the nearer its corner. Equal distributions lie side by side. "
    + (many ? "With more than three classes this is a linear projection: different distributions may share a place. " : "") + "A click plays; points on top of each other take turns.";
}

function pairEntry(row, value) {
  if (row === undefined) return make("td");
  const {columns} = explorer;
  const play = columns.link[row] === null ? null : make("button", {className: "play", type: "button", "aria-label": `Play ${columns.id[row]}`, textContent: "▶", onclick: () => choose(row, true)});
  return make("td", {}, play, make("button", {className: "link", type: "button", textContent: columns.id[row], onclick: () => choose(row, false)}),
    ` ${majorityName(row)} `, make("small", {textContent: shown(value)}), make("br"), make("small", {textContent: columns.transcript[row] ?? ""}));
}

// The utterances in sight, ranked by agreement: of two people, or of people and an annotator.
function drawPairs() {
  if (byId("view-pairs").hidden) return;
  const {columns} = explorer, by = byId("pairs-by").value;
  const values = by === "" ? columns.agreement : columns.divergence[Number(by)], sign = by === "" ? -1 : 1;
  const rows = [];
  explorer.visible.forEach((is, row) => { if (is && values[row] !== null) rows.push(row); });
  rows.sort((a, b) => sign * (values[a] - values[b]) || columns.votes[b] - columns.votes[a] || a - b);
  const number = Math.min(RANKS, Math.ceil(rows.length / 2)), lines = [];
  for (let rank = 0; rank < number; rank++) {
    const most = rows[rank], least = rows[rows.length - 1 - rank];
    lines.push(make("tr", {}, pairEntry(most, values[most]), pairEntry(least === most ? undefined : least, values[least])));
  }
  document.querySelector("#pairs tbody").replaceChildren(...lines);
}
