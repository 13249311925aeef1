// The page: follows the stream and shows what it says. Amounts are exact: they are added as
// integers of millionths (BigInt) and never become a floating-point number, but for the shape of a
// sparkline.

const settings = JSON.parse(document.body.dataset.settings);
const at = (id) => document.getElementById(id);
const make = (name, classes = "", text = "") => {
  const element = document.createElement(name);
  if (classes) element.className = classes;
  if (text) element.textContent = text;
  return element;
};

const TREND_POINTS = 120; // one a second
const OUTCOMES = ["rated", "duplicate", "suspended", "quarantined", "excluded"];
const BLANKS = {
  loading: "Reading the log. Figures appear when all of it is read.",
  empty: "Nothing is settled yet. Figures appear with the first rated usage.",
  filtered: "No partner matches the filter.",
};

const rows = new Map(); // "agreement period currency" -> {row, cells, total, net, trend}
let figures = null; // the head of the last event with figures
let clockOffset = -Infinity; // server's clock less ours: the largest seen, as answers come late
let connected = false;
let retry = 0;

const key = (total) => `${total.agreement} ${total.period} ${total.currency}`;
const titleOf = (total) => settings.titles[total.partner] ?? total.partner;
const micros = (text) => BigInt(text.replace(".", ""));
const now = () => performance.now() + clockOffset;

/** Millionths as they are shown: sign, grouped whole units and two decimals, then the rest. */
function parts(value) {
  const digits = (value < 0n ? -value : value).toString().padStart(7, "0");
  const whole = digits.slice(0, -6).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return [`${value < 0n ? "\u2212" : ""}${whole}.${digits.slice(-6, -4)}`, digits.slice(-4)];
}

function show(element, value, code = "") {
  const [main, rest] = parts(value);
  const figure = make("span", "figure", main);
  figure.append(make("span", "rest", rest));
  element.replaceChildren(figure);
  if (code) element.append(make("span", "code", code));
}

function addRow(total) {
  const row = make("tr");
  const cells = {};
  const partner = make("th");
  partner.scope = "row";
  partner.append(make("span", "", titleOf(total)));
  if (titleOf(total) !== total.partner) partner.append(make("small", "", total.partner));
  const agreement = make("td", "", total.agreement);
  agreement.append(make("small", "", total.model));
  row.append(partner, agreement);
  for (const name of ["net", "receivable", "payable"]) {
    cells[name] = make("td", `number ${name}`);
    row.append(cells[name]);
  }
  cells.trend = make("td", "trend");
  cells.status = make("td");
  row.append(cells.trend, make("td", "period", total.period), cells.status);
  const entry = { row, cells, trend: [], total: null, search: "" };
  entry.search = [total.partner, titleOf(total), total.agreement, total.model]
    .join(" ")
    .toLowerCase();
  return entry;
}

function setRow(total) {
  const name = key(total);
  const entry = rows.get(name) ?? addRow(total);
  entry.total = total;
  entry.net = micros(total.net);
  for (const flow of ["receivable", "payable"]) {
    const value = micros(total[flow]);
    entry.cells[flow].classList.toggle("nil", value === 0n);
    if (value === 0n) entry.cells[flow].textContent = "–";
    else show(entry.cells[flow], value);
  }
  show(entry.cells.net, entry.net, total.currency);
  entry.cells.status.replaceChildren(badge(total));
  rows.set(name, entry);
}

function badge(total) {
  if (total.statement === null) return make("span", "badge", "provisional");
  const link = make("a", "badge final", "final");
  link.href = `/v1/statements/${encodeURIComponent(total.statement)}`;
  link.title = `Statement ${total.statement}`;
  return link;
}

/** Put rows in the order of partner, agreement and period, as far as the filter leaves them. */
function arrange() {
  const wanted = at("filter").value.trim().toLowerCase();
  const shown = [...rows.values()]
    .filter((entry) => entry.search.includes(wanted))
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));
  let partner = null;
  for (const entry of shown) {
    entry.row.classList.toggle("follows", entry.total.partner === partner);
    partner = entry.total.partner;
  }
  at("rows").replaceChildren(...shown.map((entry) => entry.row));
  blank(shown.length ? "" : rows.size ? "filtered" : "empty");
}

const order = ({ total }) =>
  [titleOf(total), total.agreement, total.period, total.currency].join("\0").toLowerCase();

function blank(why) {
  at("blank").hidden = !why;
  at("blank").textContent = BLANKS[why] ?? "";
}

function sumUp() {
  const sums = new Map();
  for (const { total } of rows.values()) {
    const sum = sums.get(total.currency) ?? { receivable: 0n, payable: 0n };
    sum.receivable += micros(total.receivable);
    sum.payable += micros(total.payable);
    sums.set(total.currency, sum);
  }
  const lines = [...sums].sort().map(([code, sum]) => {
    const line = make("tr");
    const head = make("th", "", code);
    head.scope = "row";
    line.append(head);
    for (const [name, value] of [["net", sum.receivable - sum.payable], ...Object.entries(sum)]) {
      const cell = make("td", `number ${name}`);
      show(cell, value);
      line.append(cell);
    }
    return line;
  });
  at("currencies").replaceChildren(...lines);
}

function showOutcomes(found) {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  for (const { outcome, events } of found) counts[outcome] += events;
  const all = OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);
  at("events").textContent = all ? grouped(all) : "–";
  at("bar").replaceChildren(
    ...OUTCOMES.filter((outcome) => counts[outcome]).map((outcome) => {
      const piece = make("span", outcome);
      piece.style.flexGrow = counts[outcome] / all;
      return piece;
    }),
  );
  at("bar").ariaLabel = OUTCOMES.map((o) => `${o} ${counts[o]}`).join(", ");
  at("outcomes").replaceChildren(
    ...OUTCOMES.map((outcome) => {
      const line = make("div", outcome);
      line.append(make("dt", "", outcome), make("dd", "", grouped(counts[outcome])));
      return line;
    }),
  );
}

const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** By how much each row has moved in the last second, and the line of that: zero at the bottom. */
function drawTrends() {
  if (!connected) return;
  for (const entry of rows.values()) {
    if (entry.before !== undefined) entry.trend.push(Number(entry.net - entry.before));
    entry.before = entry.net;
    if (entry.trend.length > TREND_POINTS) entry.trend.shift();
    if (!entry.row.isConnected) continue;
    const top = Math.max(1, ...entry.trend);
    const low = Math.min(0, ...entry.trend);
    const left = TREND_POINTS - entry.trend.length;
    const points = entry.trend.map((value, i) => {
      const height = 27 - (26 * (value - low)) / (top - low);
      return `${(((left + i) * 140) / (TREND_POINTS - 1)).toFixed(1)},${height.toFixed(1)}`;
    });
    entry.line ??= sparkline(entry.cells.trend);
    entry.line.setAttribute("points", points.join(" "));
  }
}

function sparkline(cell) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 140 28");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "polyline");
  svg.append(line);
  cell.replaceChildren(svg);
  return line;
}

function tick() {
  const judged = figures?.[settings.judgedBy];
  const seconds = judged ? Math.max(0, (now() - Date.parse(judged)) / 1000) : null;
  const age =
    seconds === null ? "none"
    : seconds >= settings.redSeconds ? "red"
    : seconds >= settings.amberSeconds ? "amber"
    : "fresh";
  at("freshness").dataset.age = age;
  const replayed = settings.judgedBy === "updated_at";
  at("age").textContent =
    seconds === null ? "" : replayed ? `moved ${lasting(seconds)} ago` : `${lasting(seconds)} old`;
  if (figures) document.body.dataset.state = age === "red" ? "stale" : "live";
  const lost = !connected && retry > 0;
  at("message").textContent = !lost ? ""
    : figures ? "Connection lost: these figures stand still. Trying again."
    : "The figures cannot be reached. Trying again.";
}

function lasting(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

function take(event) {
  const body = JSON.parse(event.data);
  const before = rows.size;
  if (event.type === "snapshot") {
    const kept = new Set(body.items.map(key));
    for (const name of rows.keys()) if (!kept.has(name)) rows.delete(name);
  }
  figures = body;
  clockOffset = Math.max(clockOffset, Date.parse(body.computed_at) - performance.now());
  body.items.forEach(setRow);
  if (event.type === "snapshot" || rows.size !== before) arrange();
  sumUp();
  showOutcomes(body.outcomes);
  const asOf = body.as_of ?? body.updated_at;
  at("as-of").dateTime = asOf;
  at("as-of").textContent = `${asOf.slice(0, 10)} ${asOf.slice(11, 19)} UTC`;
  tick();
}

function wait(event) {
  const { readiness } = JSON.parse(event.data);
  figures = null;
  rows.clear();
  document.body.dataset.state = readiness;
  if (readiness === "empty") at("rows").replaceChildren();
  blank(readiness);
}

function follow() {
  const source = new EventSource("/v1/accruals/stream");
  source.addEventListener("open", () => { connected = true; retry = 0; });
  source.addEventListener("snapshot", take);
  source.addEventListener("delta", take);
  source.addEventListener("waiting", wait);
  source.addEventListener("error", () => {
    connected = false;
    retry += 1;
    for (const entry of rows.values()) entry.before = undefined;
    // A browser reconnects by itself, but not after an answer that is no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
}

at("filter").addEventListener("input", arrange);
blank("loading");
setInterval(tick, 200);
setInterval(drawTrends, 1000);
follow();
