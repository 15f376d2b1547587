"use strict";

// Every text of a record reaches the page as `textContent` alone.

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const find = (id) => document.getElementById(id);
const setup = read("setup");
const state = {
  part: 0, corpus: "", recipe: "", scenario: "", aim: 0,
  needs: new Set(setup.needs), words: "", key: "value", down: false, open: new Set(),
};

function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// What is looked at

const parsed = new Map();

function view() {
  const all = setup.parts[state.part].views;
  const fits = (each) =>
    ["corpus", "recipe", "scenario"].every((name) => each[name] === state[name]);
  const found = all.find(fits);
  if (!found) return null;
  const id = `view-${state.part}-${found.same ?? found.number}`;
  if (!parsed.has(id)) parsed.set(id, read(id));
  return parsed.get(id);
}

function aim() {
  const aims = view()?.aims ?? [];
  return aims[Math.min(state.aim, aims.length - 1)];
}

function shownRows() {
  const words = state.words.toLowerCase();
  const rows = (aim()?.rows ?? []).filter(
    (row) => state.needs.has(row.needs) && row.label.toLowerCase().includes(words),
  );
  const sign = state.down ? -1 : 1;
  const rank = (row) => row[state.key];
  return rows.sort((a, b) => {
    const [one, other] = [rank(a), rank(b)];
    if (one == null || other == null) return (one == null) - (other == null);
    return sign * (typeof one === "string" ? one.localeCompare(other) : one - other);
  });
}

// The choices

function choose(select, options, value) {
  select.replaceChildren(
    ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)),
  );
}

function showChoices() {
  const views = setup.parts[state.part].views;
  choose(find("part"), setup.parts.map((part, number) => [String(number), part.title]),
    String(state.part));
  find("part").parentElement.hidden = setup.parts.length < 2;
  const names = ["corpus", "recipe", "scenario"];
  for (const name of names) {
    const others = names.filter((each) => each !== name);
    const there = views.filter((each) => others.every((other) => each[other] === state[other]));
    const values = [...new Set(there.map((each) => each[name]))];
    choose(find(name), values.map((each) => [each, each || "all"]), state[name]);
    find(name).parentElement.hidden = new Set(views.map((each) => each[name])).size < 3;
  }
  choose(find("aim"), (view()?.aims ?? []).map((each, number) => [String(number), each.title]),
    String(state.aim));
}

function listen() {
  for (const name of ["part", "corpus", "recipe", "scenario", "aim"]) {
    find(name).addEventListener("change", (event) => {
      const { value } = event.target;
      state[name] = ["part", "aim"].includes(name) ? Number(value) : value;
      if (name === "part") Object.assign(state, { corpus: "", recipe: "", scenario: "", aim: 0 });
      state.aim = Math.min(state.aim, Math.max(0, (view()?.aims.length ?? 1) - 1));
      show();
    });
  }
  find("words").addEventListener("input", (event) => {
    state.words = event.target.value;
    show();
  });
  for (const each of setup.needs) {
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      if (box.checked) state.needs.add(each);
      else state.needs.delete(each);
      show();
    });
    find("needs").append(make("label", {}, box, each));
  }
  find("choices").addEventListener("submit", (event) => event.preventDefault());
  find("csv").addEventListener("click", () => save("table.csv", csv(tabulated())));
  find("json").addEventListener("click", () => save("table.json", json(tabulated())));
  find("runs-csv").addEventListener("click", async () => save("runs.csv", csv(await chosenRuns())));
  find("runs-json").addEventListener("click", async () =>
    save("runs.json", json(await chosenRuns())));
}

// The table

const columns = () => setup.columns[aim().metric];

function digits(value, count) {
  if (value == null) return "\u2013";
  const text = value.toFixed(count);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

function cell(row, column) {
  if (column.words) return make("td", { className: `words ${column.key}` }, String(row[column.key]));
  if (column.key === "told") {
    return make("td", {}, row.known ? `${row.told} of ${row.known}` : "\u2013");
  }
  if (column.key === "speedup" && row.instant) return make("td", {}, "instant");
  const found = make("td", {}, digits(row[column.key], column.digits));
  const [low, high] = [row[`${column.key}_low`], row[`${column.key}_high`]];
  if (low != null && high != null) {
    const few = Math.max(0, column.digits - 1);
    const text = `${digits(low, few)} to ${digits(high, few)}`;
    found.append(" ", make("span", { className: "interval" }, text));
  }
  return found;
}

function heading(column) {
  const button = make("button", { type: "button", title: column.meaning }, column.title);
  button.addEventListener("click", () => {
    state.down = state.key === column.key && !state.down;
    state.key = column.key;
    showTable();
    find(`sort-${column.key}`).focus();
  });
  button.id = `sort-${column.key}`;
  const found = make("th", { scope: "col", className: column.words ? "words" : "" }, button);
  const sorted = state.key === column.key
    || (state.key === "value" && column.key === aim().metric);
  if (sorted) found.setAttribute("aria-sort", state.down ? "descending" : "ascending");
  return found;
}

function showTable() {
  const label = { key: "label", title: "method", words: true, meaning: "A row opens its details." };
  find("table").replaceChildren(
    make("thead", {}, make("tr", {}, heading(label), ...columns().map(heading))),
    make("tbody", {}, ...shownRows().flatMap((row) => {
      const open = state.open.has(row.label);
      const button = make("button", { type: "button", "aria-expanded": String(open) }, row.label);
      const line = make("tr", { className: row.marks.split(", ").includes("*") ? "first" : "" },
        make("th", { scope: "row" }, button), ...columns().map((column) => cell(row, column)));
      button.addEventListener("click", () => toggle(row, line, button));
      return open ? [line, detail(row)] : [line];
    })),
  );
  const count = find("table").tBodies[0].children.length;
  find("count").textContent = count ? "" : "No row is left: choose more.";
}

function toggle(row, line, button) {
  const open = !state.open.delete(row.label);
  if (open) {
    state.open.add(row.label);
    line.after(detail(row));
  } else {
    line.nextElementSibling.remove();
  }
  button.setAttribute("aria-expanded", String(open));
}

// What a row opens

let unpacked = null;

function unpack() {
  unpacked ??= (async () => {
    const bytes = Uint8Array.from(atob(find("runs-data").textContent), (each) => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const data = await new Response(stream).json();
    data.place = Object.fromEntries(data.columns.map((name, place) => [name, place]));
    return data;
  })();
  return unpacked;
}

async function runsOf(rows) {
  const data = await unpack();
  const { place, texts } = data;
  const kinds = new Map(rows.map((row) => [row.label, row.kind]));
  const { own } = setup.parts[state.part];
  return data.runs.filter((run) => {
    const kind = kinds.get(texts[run[place.label]]);
    // The original and retraining are lent to the other part.
    if (kind === undefined || (run[place.own] !== Number(own) && kind === "method")) return false;
    return ["corpus", "recipe", "scenario"].every(
      (name) => state[name] === "" || texts[run[place[name]]] === state[name],
    );
  });
}

function listed(pairs) {
  return make("dl", {}, ...pairs.map(([term, text]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, text))));
}

function detail(row) {
  const inside = make("div", { className: "inside" }, "\u2026");
  const found = make("tr", { className: "detail" },
    make("td", { colSpan: columns().length + 1 }, inside));
  fill(row, inside);
  return found;
}

async function fill(row, inside) {
  const data = await unpack();
  const runs = await runsOf([row]);
  const { place } = data;
  const distinct = (name) => [...new Set(runs.map((run) => run[place[name]]))];
  const settings = distinct("setting").map((number) => data.settings[number]);
  const origins = distinct("origin").map((number) => data.origins[number]);
  inside.replaceChildren();
  if (row.why) inside.append(make("p", {}, `Why it is marked "?": ${row.why}.`));
  const [setting] = settings;
  if (setting) {
    const source = setting.paper
      ? make("a", { href: setting.paper, rel: "noreferrer" }, setting.reference)
      : make("span", {}, setting.reference);
    inside.append(make("h3", {}, "Where it comes from"), make("p", {}, source,
      setting.file ? `; ${setting.file}` : ""));
  }
  const parameters = new Set(settings.map((each) => JSON.stringify(each.parameters)));
  for (const text of parameters) {
    const pairs = Object.entries(JSON.parse(text)).map(([name, value]) => [name, String(value)]);
    inside.append(make("h3", {}, "Parameters"), pairs.length ? listed(pairs) : "none");
  }
  inside.append(make("h3", {}, "The command that repeats it"),
    make("pre", {}, commandsOf(data, runs).join("\n")));
  inside.append(make("h3", {}, "Provenance"), ...origins.map((origin) => listed([
    ["version", origin.version],
    ["commit", `${origin.commit ?? "unknown"}${origin.clean === false ? " (changed)" : ""}`],
    ["Python", origin.python],
    ...Object.entries(origin.packages),
    ["machine", `${origin.processor}, ${origin.device}, threads: ${origin.threads}`],
  ])));
  inside.append(make("h3", {}, `Runs (${runs.length})`), runTable(data, runs));
}

const word = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\"'\"'")}'`;

// The suite's tables are made by one command, and others by one each.
function commandsOf({ settings, place, texts }, runs) {
  const places = ["corpus", "recipe", "scenario"];
  const { own } = setup.parts[state.part];
  return [...new Set(runs.map((run) => {
    const { command } = settings[run[place.setting]];
    if (!own && places.every((name) => state[name] === "")) return command;
    const chosen = places.map((name) => `--${name} ${word(texts[run[place[name]]])}`);
    const count = 1 + Math.max(...runs.map((each) => each[place.model]));
    return [command, ...chosen, ...(own ? [`--runs ${count}`] : [])].join(" ");
  }))];
}

const RUN_NUMBERS = [["distance", 2], ["forgetting_rate", 2], ["test_accuracy_drop", 1],
  ["told_from_retrained", 0], ["flops_ratio", 3], ["runtime_s", 1]];
const WORST = ["emotion", "speaker", "gender"].map((kind) => `worst_${kind}`);
const LONGEST = 200; // runs that are shown; a download has them all

function runTable(data, runs) {
  const { place, texts } = data;
  const names = ["corpus", "recipe", "scenario", "model seed", "forget seed", "method seed",
    ...[...RUN_NUMBERS.map(([name]) => name), ...WORST].map((name) => name.replaceAll("_", " ")),
    "status"];
  const worst = (run, name) => [texts[run[place[name]]], digits(run[place[`${name}_drop`]], 1)]
    .filter(Boolean).join(" ");
  const lines = runs.slice(0, LONGEST).map((run) => {
    const status = [run[place.status], run[place.reason]].map((each) => texts[each]);
    return make("tr", {},
      ...["corpus", "recipe", "scenario"].map((name) => make("td", {}, texts[run[place[name]]])),
      ...["model", "forget", "method"].map((name) => make("td", {}, String(run[place[name]]))),
      ...RUN_NUMBERS.map(([name, count]) => make("td", {}, digits(run[place[name]], count))),
      ...WORST.map((name) => make("td", {}, worst(run, name))),
      make("td", { className: "why" }, status.filter(Boolean).join(": ")));
  });
  const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name)));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
  return make("div", { className: "runs", tabIndex: 0 }, table);
}

// Downloads

function tabulated() {
  const names = ["label", "method", "needs", "marks", "told", "known", "runs"];
  const numbers = columns().map((column) => column.key).filter((key) => !names.includes(key));
  return shownRows().map((row) => {
    const found = Object.fromEntries([...names, ...numbers].map((key) => [key, row[key] ?? null]));
    for (const key of numbers) {
      if (row[`${key}_low`] == null) continue;
      found[`${key}_low`] = row[`${key}_low`];
      found[`${key}_high`] = row[`${key}_high`];
    }
    return found;
  });
}

async function chosenRuns() {
  const { texts, columns: names, settings, origins } = await unpack();
  const runs = await runsOf(shownRows());
  const named = new Set(["label", "corpus", "recipe", "scenario", "status", "reason"]);
  return runs.map((run) => Object.fromEntries(names.flatMap((name, place) => {
    if (name === "setting") return [["parameters", JSON.stringify(settings[run[place]].parameters)]];
    if (name === "origin") return [["commit", origins[run[place]].commit]];
    return [[name, named.has(name) ? texts[run[place]] : run[place]]];
  })));
}

const json = (rows) => `${JSON.stringify(rows, null, 1)}\n`;

function csv(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const quoted = (value) => {
    const text = value == null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => names.map((name) => quoted(row[name])).join(","));
  return `${[names.map(quoted).join(","), ...lines].join("\n")}\n`;
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = make("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// The plots

const waiting = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting || !waiting.has(entry.target)) continue;
    const draw = waiting.get(entry.target);
    waiting.delete(entry.target);
    draw();
  }
}, { rootMargin: "300px" });

function showPlots() {
  const rows = [...shownRows()].sort((a, b) =>
    (a.value == null) - (b.value == null) || a.value - b.value);
  const labels = new Set(rows.map((row) => row.label));
  const isShown = (each) => labels.has(each.label) && (!each.last || labels.has(each.last));
  const { cells, groups, curves } = aim();
  const datasets = { rows, cells: cells.filter(isShown), groups: groups.filter(isShown),
    curves: curves.filter(isShown) };
  for (const plot of setup.plots) {
    const figure = find(`plot-${plot.name}`);
    const known = datasets[plot.data].filter((each) => each[plot.field] != null);
    figure.hidden = known.length === 0;
    const place = figure.querySelector(".plot");
    waiting.set(place, () => drawn(place, plot, datasets));
    // Seen again, it is told of again.
    watcher.unobserve(place);
    watcher.observe(place);
  }
}

async function drawn(place, plot, datasets) {
  const spec = { ...plot.specs[aim().metric], datasets };
  if (spec.height.step && spec.width === "container") {
    // A width that fits and a height by steps do not go together.
    const known = datasets[plot.data].filter((each) => each[plot.field] != null);
    spec.height = spec.height.step * new Set(known.map((each) => each.label)).size;
  }
  // Without `ast` expressions would become code, which the page forbids.
  const options = { actions: false, ast: true, renderer: "svg", defaultStyle: false,
    tooltip: { disableDefaultStyle: true }, logLevel: 1 }; // a chart may have nothing to show
  place.view?.finalize();
  const found = await vegaEmbed(place, spec, options);
  place.view = found.view;
}

// All of it

function show() {
  showChoices();
  const found = view();
  find("answers").replaceChildren(...found.answers.map((each) => make("li", {}, each)));
  find("sentences").replaceChildren(
    ...[...aim().sentences, ...found.remarks].map((each) => make("p", {}, each)));
  showTable();
  if (window.vegaEmbed) showPlots();
}

listen();
if (setup.parts.length) show();
addEventListener("load", () => setup.parts.length && showPlots());
