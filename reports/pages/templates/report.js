// Tables that sort and filter, a dark page on demand, and figures that are drawn when they are seen. No network.
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);

// Sort by the column whose button is pressed: numbers as numbers, empty cells last.
function sortBy(heading) {
  const table = heading.closest("table");
  const body = table.tBodies[0];
  const place = heading.cellIndex;
  const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const key = (row) => row.cells[place].dataset.sort;
  const rows = [...body.rows].sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    return left === "" || right === "" ? (left === "") - (right === "") : sign * compare(left, right);
  });
  table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  body.append(...rows);
}

// A box above each long table: only rows that hold all of its words stay.
const LONG = 8;
function addFilter(table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < LONG) return;
  const box = Object.assign(document.createElement("input"), { type: "search", className: "filter", placeholder: `Filter ${rows.length} rows` });
  box.setAttribute("aria-label", `Filter: ${table.caption.textContent}`);
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    rows.forEach((row) => (row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word))));
  });
  table.parentElement.before(box);
}

// Figures: plotly is unpacked once, when the first one is seen.
let library;
async function unpack() {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (mark) => mark.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  return window.Plotly;
}

function shadeOf(name) {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(--${name})`;
  const shade = getComputedStyle(probe).color;
  probe.remove();
  return shade;
}

// "@3" is the colour of a model, "@guide" that of a thin line, "@heat" a scale.
function paint(value) {
  if (Array.isArray(value)) return value.map(paint);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, paint(inner)]));
  if (value === "@heat") return [[0, shadeOf("card")], [1, shadeOf("classical")]];
  if (value === "@guide") return shadeOf("quiet");
  return typeof value === "string" && /^@[a-z0-9]+$/.test(value) ? shadeOf(`c-${value.slice(1)}`) : value;
}

function dress(layout) {
  const [ink, line] = [shadeOf("ink"), shadeOf("line")];
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  const still = matchMedia("(max-width: 40rem)").matches ? { fixedrange: true } : {};
  return {
    ...layout,
    xaxis: { ...layout.xaxis, ...axis, ...still },
    yaxis: { ...layout.yaxis, ...axis, ...still },
    font: { color: ink, family: "system-ui, sans-serif", size: 12 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 50, r: 12, t: 12, b: 40 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: { bgcolor: shadeOf("card"), font: { color: ink } },
    hovermode: "closest",
  };
}

const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
async function draw(figure) {
  const canvas = figure.querySelector(".canvas");
  try {
    const plotly = await (library ??= unpack());
    const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
    await plotly.react(canvas, paint(data), dress(paint(layout)), CONFIG);
    figure.dataset.drawn = "";
  } catch (error) {
    canvas.classList.add("failed");
    throw error;
  }
}

function drawAgain() {
  each("figure[data-drawn]", draw);
}

const watch = new IntersectionObserver((entries) => {
  entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
    watch.unobserve(entry.target);
    draw(entry.target);
  });
}, { rootMargin: "300px" });

const dark = matchMedia("(prefers-color-scheme: dark)");
const button = document.getElementById("theme");
function show(isDark) {
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  button.setAttribute("aria-pressed", isDark);
  drawAgain();
}

each("th button", (one) => one.addEventListener("click", () => sortBy(one.parentElement)));
each("main table", addFilter);
each("figure.plot", (figure) => watch.observe(figure));
button.hidden = false;
button.setAttribute("aria-pressed", dark.matches);
button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
dark.addEventListener("change", () => show(dark.matches));

// On paper there is no scrolling: all is opened and drawn first, in light colours.
async function printAll() {
  each("details", (fold) => (fold.open = true));
  document.documentElement.style.colorScheme = "light";
  await Promise.allSettled([...document.querySelectorAll("figure.plot")].map(draw));
  window.print();
  show(button.getAttribute("aria-pressed") === "true");
}
const printer = document.getElementById("print");
printer.hidden = false;
printer.addEventListener("click", printAll);

// A link into a folded part opens it; printing opens all.
function reveal() {
  let part = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
}
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => each("details", (fold) => (fold.open = true)));
