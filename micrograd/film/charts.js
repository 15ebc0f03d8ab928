// A small chart over the steps of a training: all of it faint, what has been in full, a cursor.
function microgradChart(shell, parent, kind, name, find) {
  "use strict";
  const { add } = shell;
  const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [190, 92, 32, 14, 6];
  const box = add(parent, "div", { class: `chart ${kind}` });
  const head = add(box, "div", { class: "chart-head" });
  add(head, "span", { class: "chart-name" }, name);
  const value = add(head, "span", { class: "chart-value" });
  const svg = add(box, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });
  const floor = HEIGHT - BOTTOM;
  add(svg, "path", { class: "axis", d: `M${LEFT} ${TOP}V${floor}H${WIDTH}` });
  const all = add(svg, "polyline", { class: "all" });
  const cursor = add(svg, "path", { class: "cursor" });
  const past = add(svg, "polyline", { class: "past" });
  const dot = add(svg, "circle", { class: "dot", r: 3.5 });
  const most = add(svg, "text", { class: "end", x: LEFT - 4, y: TOP + 7 });
  add(svg, "text", { class: "end", x: LEFT - 4, y: floor }, "0");
  const end = add(svg, "text", { class: "end", x: WIDTH, y: HEIGHT - 2 });
  let [steps, places, last, top] = [[], [], 1, 1];

  const across = (step) => LEFT + (step / last) * (WIDTH - LEFT - 4);
  const up = (y) => floor - (Math.min(y, top) / top) * (floor - TOP);
  const round = (x) => Math.round(10 * x) / 10;

  // Draws values at some steps, of `until` in all; the axis goes from 0 to `high`, shown as `label`.
  function draw(at, values, until, high, label) {
    [steps, last, top] = [at, Math.max(until, 1), high || 1];
    places = values.map((y, i) => `${round(across(at[i]))},${round(up(y))}`);
    all.setAttribute("points", places.filter((_, i) => Number.isFinite(values[i])).join(" "));
    most.textContent = label;
    const fits = label.length < 5; // beside the axis; a longer one stands within
    most.setAttribute("x", fits ? LEFT - 4 : LEFT + 4);
    most.style.textAnchor = fits ? "" : "start";
    end.textContent = `${until} ${until === 1 ? "step" : "steps"}`;
  }

  // Moves the cursor to a step, and says what is there.
  function show(step, y, text) {
    const been = places.filter((_, i) => steps[i] <= step);
    const known = Number.isFinite(y);
    past.setAttribute("points", been.filter((place) => !place.includes("NaN")).join(" "));
    cursor.setAttribute("d", `M${across(step)} ${TOP}V${floor}`);
    dot.setAttribute("visibility", known ? "visible" : "hidden");
    dot.setAttribute("cx", across(step));
    dot.setAttribute("cy", known ? up(y) : 0);
    value.textContent = text;
  }

  function onPointer(event) {
    if (event.buttons !== 1) return;
    const { left, width } = svg.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * WIDTH;
    find(((x - LEFT) / (WIDTH - LEFT - 4)) * last);
    event.preventDefault();
  }
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    onPointer(event);
  });
  svg.addEventListener("pointermove", onPointer);
  return { draw, show };
}
