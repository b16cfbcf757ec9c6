// What the pages do beyond forms and links: charts, their pictures, and filters that need no button.
"use strict";

const charts = new Map();


// light-dark() is no colour for a canvas: the browser resolves it on an element
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// numbers in a chart are written as those of the page
const figures = new Intl.NumberFormat(document.documentElement.lang);
const written = (value) => (typeof value === "number" ? figures.format(value) : value);

function withFigures(series) {
  if (series.type !== "funnel") return series;
  return { ...series, label: { ...series.label, formatter: (one) => `${one.name}\n${written(one.value)}` } };
}

// names of a bar chart leave the bars most of the width; the tooltip has them whole
const NAMES_SHARE = 0.38;

function themed(options, width) {
  const ink = colour("--ink");
  const line = colour("--line");
  const axis = { axisLabel: { color: ink }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } } };
  const scale = { axisLabel: { color: ink, formatter: written, hideOverlap: true } };
  const axes = (given) => given && [].concat(given).map((one) => ({ ...axis, ...(one.type === "value" ? scale : {}), ...one }));
  const names = { axisLabel: { color: ink, width: Math.round(width * NAMES_SHARE), overflow: "truncate" } };
  const beside = (given) => given && [].concat(given).map((one) => ({ ...(one.type === "category" ? names : {}), ...one }));
  const plain = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    animation: !plain,
    textStyle: { color: ink, fontFamily: getComputedStyle(document.body).fontFamily },
    ...options,
    // a tooltip of HTML would need inline styles, which the page's policy forbids
    tooltip: { renderMode: "richText", confine: true, valueFormatter: written, ...options.tooltip },
    series: options.series.map(withFigures),
    legend: options.legend && { textStyle: { color: ink }, type: "scroll", ...options.legend },
    xAxis: axes(options.xAxis),
    yAxis: axes(beside(options.yAxis)),
  };
}

function draw(drawing) {
  const name = drawing.dataset.chart;
  const source = document.getElementById(`chart-${name}`);
  if (!window.echarts || !source) return;
  const chart = echarts.init(drawing);
  chart.setOption(themed(JSON.parse(source.textContent), drawing.clientWidth));
  chart.on("click", (event) => {
    if (event.data && event.data.address) location.assign(event.data.address);
  });
  charts.set(name, chart);
}

function drawAll() {
  for (const chart of charts.values()) chart.dispose();
  charts.clear();
  document.querySelectorAll("[data-chart]").forEach(draw);
}

// while a chart moves into its place it shows other figures
function drawnWhole(chart) {
  const still = echarts.init(document.createElement("div"), null, { width: chart.getWidth(), height: chart.getHeight() });
  still.setOption({ ...chart.getOption(), animation: false });
  const drawn = still.renderToCanvas({ pixelRatio: 2, backgroundColor: colour("--card") });
  still.dispose();
  return drawn;
}

// a picture goes to a slide or a letter: it says of which portal, page and days it is
function save(name) {
  const text = (selector) => document.querySelector(selector)?.textContent.trim() ?? "";
  const lines = [[text("h1"), text(".bar .portal, .bar .menu summary")].filter(Boolean).join(" – "), text("details.fold summary")];
  const drawn = drawnWhole(charts.get(name));
  const head = 110;
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width;
  canvas.height = drawn.height + head;
  const paint = canvas.getContext("2d");
  paint.fillStyle = colour("--card");
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.fillStyle = colour("--ink");
  lines.forEach((line, place) => {
    paint.font = `${place ? 24 : 34}px ${getComputedStyle(document.body).fontFamily}`;
    paint.fillText(line, 24, 48 + place * 40, canvas.width - 48);
  });
  paint.drawImage(drawn, 0, head);
  const link = document.createElement("a");
  link.href = canvas.toDataURL();
  link.download = `${name}.png`;
  link.click();
}

// on a phone the rows of a table are cards, in which each cell says the name of its column; they stay a table by their roles
function name(table) {
  const heads = [...table.querySelectorAll("thead tr:only-child > *")].map((head) => head.textContent.trim());
  if (!heads.length) return;
  table.classList.add("stacks");
  table.setAttribute("role", "table");
  table.querySelectorAll("thead, tbody").forEach((part) => part.setAttribute("role", "rowgroup"));
  table.querySelectorAll("tr").forEach((row) => row.setAttribute("role", "row"));
  table.querySelectorAll("thead th").forEach((head) => head.setAttribute("role", "columnheader"));
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.children].forEach((cell, place) => {
      cell.setAttribute("role", cell.scope === "row" ? "rowheader" : "cell");
      if (!cell.textContent.trim() && !cell.children.length) cell.replaceChildren();
      else if (heads[place] && cell.tagName === "TD") cell.dataset.label = heads[place];
    });
  }
}

function nameAll() {
  document.querySelectorAll(".table > table:not(.matrix)").forEach(name);
}

// where the navigation scrolls sideways, it shows the page that one is on
function showCurrent() {
  const here = document.querySelector(".side [aria-current]");
  const side = here?.closest(".side");
  if (side && side.scrollWidth > side.clientWidth) side.scrollLeft = here.offsetLeft - side.offsetLeft - side.clientWidth / 2 + here.clientWidth / 2;
}

document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("DOMContentLoaded", showCurrent);
document.addEventListener("DOMContentLoaded", nameAll);
document.addEventListener("htmx:afterSettle", drawAll);
document.addEventListener("htmx:afterSettle", nameAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-save-chart]");
  if (button) save(button.dataset.saveChart);
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// a filter applies when it is changed; without this script its form has a button
document.addEventListener("change", (event) => {
  const form = event.target.closest("form.filters");
  if (!form || !form.checkValidity()) return;
  // whoever chooses by keyboard goes on where they were
  sessionStorage.setItem("chosen", `${location.pathname} ${event.target.name}`);
  form.requestSubmit();
});

// the browser asks before what was ticked, chosen or typed and not saved is lost; of the form that is sent nothing is
const unsaved = new Set(document.querySelectorAll("form[data-unsaved]"));
let sent = null;

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.method !== "post") return;
  unsaved.add(form);
  sent = null;
});

document.addEventListener("submit", (event) => { sent = event.target; });

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-discards]")) unsaved.clear();
});

addEventListener("beforeunload", (event) => {
  if ([...unsaved].some((form) => form !== sent)) event.preventDefault();
  sent = null;
});

// what is pasted replaces what a page has put into the field that it opens with
document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[autofocus]")) event.target.select();
});
document.querySelector("input[autofocus]")?.select();

// a portal that is ticked is meant to be one of those
document.addEventListener("change", (event) => {
  if (!event.target.matches('input[type="checkbox"][name="portal"]:checked')) return;
  const these = event.target.form.querySelector('input[name="sees"][value="these"]');
  if (these) these.checked = true;
});

addEventListener("pageshow", () => {
  const [path, name] = (sessionStorage.getItem("chosen") ?? "").split(" ");
  sessionStorage.removeItem("chosen");
  const field = path === location.pathname && document.querySelector(`form.filters [name="${CSS.escape(name)}"]`);
  if (!field) return;
  // what a phone folds away has no focus
  const fold = field.form.previousElementSibling;
  if (fold?.matches("details.fold")) fold.open = true;
  field.focus();
});
