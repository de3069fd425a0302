// The chosen utterance: sound, transcript, distributions, votes and answers.
"use strict";

function bytes(base64) {
  return Int8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function drawOutline(canvas, peaks) {
  const {width, height} = canvas, pen = canvas.getContext("2d"), stretches = peaks.length / 2;
  pen.fillStyle = getComputedStyle(canvas).color;
  for (let i = 0; i < stretches; i++) {
    const low = peaks[2 * i] / 127, high = peaks[2 * i + 1] / 127;
    pen.fillRect((i * width) / stretches, (height / 2) * (1 - high), Math.max(1, width / stretches - 1), Math.max(1, (height / 2) * (high - low)));
  }
}

// The player, with outline and spectrogram where they are drawn; loads no sound before it is played.
function player(row) {
  const link = explorer.columns.link[row], box = make("div");
  if (explorer.index.silent || link === null) {
    box.append(make("p", {className: "reason", textContent: explorer.index.silent ? "This corpus has no sound in this run." : "No sound is known for this utterance."}));
    return {box};
  }
  const audio = make("audio", {controls: true, preload: "none", src: link, "aria-label": `Sound of ${explorer.columns.id[row]}`});
  const missing = make("p", {className: "reason", hidden: true});
  audio.addEventListener("error", () => {
    missing.hidden = false;
    missing.textContent = `The sound cannot be played: ${decodeURI(link)} is missing or in a format that this browser lacks.`;
  });
  const head = make("i"), canvas = make("canvas", {width: 960, height: 140, style: {color: "var(--accent)"}}), image = make("img", {alt: ""});
  const sound = make("div", {className: "sound", hidden: true, title: "Waveform, and spectrogram in mel bands to 8 kHz, over time; click to go there"}, canvas, image, head);
  ofRow("sound", row).then((drawn) => {
    if (!drawn) return;
    if (drawn.fault) { missing.hidden = false; missing.textContent = `When this page was made: ${drawn.fault} (${decodeURI(link)}).`; return; }
    sound.hidden = false;
    image.src = `data:image/png;base64,${drawn.image}`;
    drawOutline(canvas, bytes(drawn.peaks));
    const move = () => {
      head.style.left = `${(100 * audio.currentTime) / drawn.seconds}%`;
      if (!audio.paused) requestAnimationFrame(move);
    };
    for (const event of ["play", "timeupdate", "seeked"]) audio.addEventListener(event, move);
    sound.addEventListener("click", (event) => {
      const {left, width} = sound.getBoundingClientRect();
      const seconds = (drawn.seconds * (event.clientX - left)) / width;
      const go = () => { audio.currentTime = seconds; };
      if (audio.readyState > 0) go(); else audio.addEventListener("loadedmetadata", go, {once: true});
      audio.play();
    });
  }, (error) => { missing.hidden = false; missing.textContent = error.message; });
  box.append(sound, audio, missing);
  return {box, audio};
}

function shareCell([n, p, low, high], place) {
  const percent = (value) => `${(100 * value).toFixed(1)}%`;
  const interval = low ? `, ${shown(low[place])} to ${shown(high[place])}` : "";
  const cell = make("td", {className: "share", title: `${shown(p[place], 3)}${interval}`},
    make("i", {className: "fill", style: {width: percent(p[place])}}), make("span", {textContent: shown(p[place])}));
  if (low) cell.append(make("i", {className: "whisker", style: {left: percent(low[place]), width: percent(high[place] - low[place])}}),
    make("span", {className: "hidden", textContent: interval}));
  return cell;
}

// Shares of every class, one row per source that has any.
function distributions(detail) {
  const {classes, sources} = explorer.index, body = make("tbody");
  let group = "";
  sources.forEach((source, place) => {
    const share = detail.shares[place];
    if (!share) return;
    if (source.group !== group) {
      const notes = new Set(sources.filter((other) => other.group === source.group && other.note).map((other) => other.note));
      body.append(make("tr", {className: "group"}, make("th", {colSpan: classes.length + 1, scope: "rowgroup", textContent: [source.group, ...notes].join("; ")})));
    }
    group = source.group;
    const votes = share[0] === null ? "" : ` (${share[0]})`;
    body.append(make("tr", {}, make("th", {scope: "row", textContent: source.title + votes}), ...classes.map((_, c) => shareCell(share, c))));
  });
  if (!body.children.length) return make("p", {className: "note", textContent: "The run has no distribution for it."});
  const head = make("tr", {}, make("th", {scope: "col", textContent: "Source (votes)"}), ...classes.map((name) => make("th", {scope: "col", textContent: name})));
  return make("div", {className: "scroll"}, make("table", {className: "plain shares", style: {minWidth: `${170 + 62 * classes.length}px`}}, make("thead", {}, head), body));
}

function voteList(votes) {
  const rows = votes.map(([rater, given, label, counts]) => make("tr", {},
    make("td", {textContent: rater || "anonymous"}), make("td", {textContent: given ?? "–"}),
    make("td", {className: counts ? "" : "not-ok", textContent: counts ? label : "not counted: outside the classes, or no primary vote of an observer"})));
  const head = make("tr", {}, ...["Rater", "Said", "Counts as"].map((name) => make("th", {scope: "col", textContent: name})));
  return make("details", {}, make("summary", {textContent: `Human votes (${votes.length})`}),
    make("table", {className: "plain"}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function answerList(name, answers) {
  const failed = answers.filter(([, , , , status]) => status !== "ok").length;
  const rows = answers.map(([draw, prompt, temperature, label, status, reason, response]) => make("tr", {},
    ...[draw, prompt, temperature, label].map((value) => make("td", {textContent: value ?? "–"})),
    make("td", {className: status === "ok" ? "" : "not-ok", textContent: reason ? `${status}: ${reason}` : status}), make("td", {textContent: response})));
  const head = make("tr", {}, ...["Draw", "Prompt", "T", "Label", "Status", "Answer"].map((title) => make("th", {scope: "col", textContent: title})));
  return make("details", {}, make("summary", {textContent: `Answers of ${name} (${answers.length}${failed ? `, ${failed} without a label` : ""})`}),
    make("div", {className: "scroll"}, make("table", {className: "plain answers"}, make("thead", {}, head), make("tbody", {}, ...rows))));
}

function facts(row) {
  const {columns, index} = explorer, level = LEVELS[columns.level[row]];
  const list = [
    ["speaker", index.speakers[columns.speaker[row]] ?? "–"],
    ["length", columns.duration[row] === null ? "–" : `${shown(columns.duration[row], 1)} s`],
    ["votes", columns.votes[row]], ["majority", majorityName(row)],
    ["ambiguity", level ? `${level} in ${Math.round(100 * columns.level_share[row])} % of deals` : "no level"],
    ["two people agree", shown(columns.agreement[row])],
    ...index.annotators.map((name, place) => [`divergence from ${name}`, columns.divergence[place][row] === null ? "–" : `${shown(columns.divergence[place][row])} bits`]),
  ];
  if (columns.conflict) list.push(["conflict", columns.conflict_third[row] < 0 ? shown(columns.conflict[row]) : `${shown(columns.conflict[row])} (${LEVELS[columns.conflict_third[row]]})`]);
  return make("div", {className: "facts"}, ...list.map(([name, value]) => make("span", {}, `${name} `, make("b", {textContent: value}))));
}

// Show a row; returns its player once the details are there, null if another row was chosen meanwhile.
async function showDetail(row) {
  const {columns, index} = explorer, panel = byId("detail");
  const detail = await ofRow("detail", row);
  if (explorer.chosen !== row) return null;
  const {box, audio} = player(row);
  const parts = [make("h2", {textContent: columns.id[row]}), facts(row)];
  if (columns.reason[row] >= 0) parts.push(make("p", {className: "reason", textContent: `Left out. ${index.reasons[columns.reason[row]]}${detail.source ? ` (${detail.source})` : ""}`}));
  if (columns.transcript[row] !== null) parts.push(make("blockquote", {textContent: columns.transcript[row]}));
  parts.push(box, make("h3", {textContent: "Distributions"}), distributions(detail));
  if (detail.lost.length) parts.push(make("h3", {textContent: "Left out of its votes or lines"}), make("ul", {}, ...detail.lost.map(([stage, reason, n]) => make("li", {textContent: `${n} × ${stage}: ${reason}`}))));
  if (detail.votes.length) parts.push(voteList(detail.votes));
  detail.answers.forEach((answers, place) => { if (answers.length) parts.push(answerList(index.annotators[place], answers)); });
  const open = new Set([...panel.querySelectorAll("details[open] summary")].map((summary) => summary.textContent.split(" (")[0]));
  panel.querySelectorAll("audio").forEach((other) => other.pause());
  panel.replaceChildren(...parts);
  for (const summary of panel.querySelectorAll("summary")) summary.parentElement.open = open.has(summary.textContent.split(" (")[0]);
  panel.scrollTop = 0;
  byId("spoken").textContent = `${columns.id[row]}, majority ${majorityName(row)}, ${LEVELS[columns.level[row]] ?? "no"} ambiguity`;
  return audio ?? null;
}
