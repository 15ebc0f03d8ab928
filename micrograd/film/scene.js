// Shows single frames of a film in a shell: the network, where each neuron is a small map of what
// it says, one map in large with the points, and words.
function microgradScene(shell, film) {
  "use strict";
  const { frame, add } = shell;
  const { sizes, classes, labels } = film;
  const held = new Set(film.held); // points that are not trained on, if any
  const SIDE = 64; // places along each side of a map
  const MARGIN = 0.15; // around the points, of their range
  const WEIGHTS = "A line is a weight: red adds, blue takes away, the thicker the more.";
  const PRODUCTS = "A line is what is said on its left times its weight: red adds, blue takes away.";
  const NEAR = 12; // pixels from a point that are still the point
  const network = microgradNetwork(sizes, film.acts);
  const paint = microgradPaint(SIDE);
  const several = sizes[sizes.length - 1] > 1;
  const top = sizes.length - 1; // the layer of the outputs
  const points = [0, 1].map((i) => film.points.filter((_, k) => k % 2 === i));
  let at = 0;
  let weights = film.frames[0];
  let chosen = null; // the neuron in large: [layer, i]
  let pinned = false;
  let spot = null; // the place that is asked about: [x1, x2, its point or -1]
  let inks = {};
  let visible = false;

  // The places of the maps

  const limits = points.map((xs) => {
    const low = xs.reduce((a, b) => Math.min(a, b));
    const high = xs.reduce((a, b) => Math.max(a, b));
    const margin = MARGIN * Math.max(high - low, 1e-3);
    return [low - margin, high + margin];
  });
  const [[left, right], [bottom, upper]] = limits;
  const between = (low, high, t) => low + t * (high - low);
  const places = Array.from({ length: SIDE * SIDE }, (_, k) => k);
  const grid = [
    Float64Array.from(places, (k) => between(left, right, (k % SIDE) / (SIDE - 1))),
    Float64Array.from(places, (k) => between(upper, bottom, Math.floor(k / SIDE) / (SIDE - 1))),
  ];

  // How large what is shown usually is, so that a shade means the same in all frames

  function median(numbers) {
    const sorted = numbers.filter(Number.isFinite).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] || 1;
  }

  function size(numbers) {
    return numbers.reduce((sum, x) => sum + Math.abs(x), 0) / numbers.length;
  }

  let scales = []; // of what the neurons of each layer say at the points
  let strengths = []; // of the weights into each layer

  function measure() {
    const every = Math.ceil(film.frames.length / 9);
    const some = film.frames.filter((_, k) => (film.frames.length - 1 - k) % every === 0);
    const said = some.map((w) => network.outputs(w, points));
    scales = sizes.map((_, l) => median(said.map((layers) => size(layers[l].map(size)))));
    strengths = sizes.map((n, l) =>
      l === 0 ? 1 : median(some.map((w) => size(w.slice(network.place(l, 0), network.place(l, n))))),
    );
  }

  // The parts

  const stage = add(frame, "div", { class: "stage" });
  const side = add(stage, "div", { class: "side" });
  const net = add(side, "div", { class: "net", role: "img" });
  const view = add(stage, "div", { class: "view" });
  const title = add(view, "div", { class: "view-head" });
  const named = add(title, "span", { class: "view-name" });
  const legend = add(title, "span", { class: "legend" });
  const around = add(view, "div", { class: "around" });
  const map = add(around, "canvas", { class: "map", role: "img" });
  add(around, "span", { class: "axis-name across" }, "x₁ →");
  add(around, "span", { class: "axis-name up" }, "x₂ ↑");
  const say = add(view, "div", { class: "say", "aria-atomic": "true" });
  const told = add(say, "div", { class: "told" });
  const asked = add(say, "div", { class: "asked" });
  const lines = add(net, "canvas", { class: "lines" });
  const heads = sizes.map((_, layer) => add(net, "div", { class: "layer" }, heading(layer)));
  const neurons = sizes.map((n, layer) => Array.from({ length: n }, (_, i) => drawnNeuron(layer, i)));
  const key = add(side, "div", { class: "key" });
  net.setAttribute("aria-label", `${film.name}; ↑ and ↓ go through its neurons`);
  labels.forEach((label, c) => {
    const entry = add(legend, "span", {});
    add(entry, "span", { class: `ball c${c}` });
    add(entry, "span", {}, label);
  });

  function heading(layer) {
    if (layer === 0) return "inputs";
    const acts = [...new Set(film.acts[layer - 1])].join(", ");
    return layer === top ? (acts === "linear" ? "output" : `output: ${acts}`) : acts;
  }

  function drawnNeuron(layer, i) {
    const box = add(net, "div", { class: "neuron", "data-neuron": `${layer}.${i}` });
    const canvas = add(box, "canvas", { width: SIDE, height: SIDE });
    const says = add(box, "span", { class: "says" });
    if (layer === 0) add(box, "span", { class: "input" }, "x" + "₁₂"[i]);
    box.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse" && !pinned) choose([layer, i]);
    });
    box.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !pinned) choose(null);
    });
    box.addEventListener("click", () => {
      const same = pinned && chosen && chosen[0] === layer && chosen[1] === i;
      pinned = !same;
      choose(same ? null : [layer, i]);
    });
    return { box, canvas, says };
  }

  // Where they stand

  const where = sizes.map(() => []); // the middles of the boxes
  let edge = 32; // of a box

  function layout() {
    const width = net.clientWidth;
    if (!width) return;
    const most = Math.max(...sizes);
    const narrow = width < 520;
    const room = narrow ? 480 : 580;
    const head = 24;
    edge = Math.max(24, Math.min(narrow ? 44 : 64, Math.floor(room / most) - 5));
    const gap = Math.max(4, Math.min(28, (room - most * edge) / most));
    const height = Math.max(most * (edge + gap), narrow ? 120 : 200);
    const aside = Math.max(edge / 2, 30);
    net.style.height = `${head + height}px`;
    for (const [layer, boxes] of neurons.entries()) {
      const x = between(aside, width - aside, layer / top);
      heads[layer].style.left = `${x}px`;
      heads[layer].style.maxWidth = `${Math.floor((width - 2 * aside) / top) - 4}px`;
      boxes.forEach(({ box }, i) => {
        const y = head + height / 2 + (i - (boxes.length - 1) / 2) * (edge + gap);
        where[layer][i] = [x, y];
        Object.assign(box.style, {
          left: `${x - edge / 2}px`,
          top: `${y - edge / 2}px`,
          width: `${edge}px`,
          height: `${edge}px`,
        });
      });
    }
    fit(lines, width, head + height);
    fit(map, map.clientWidth, map.clientHeight);
    draw();
  }

  function fit(canvas, width, height) {
    const dots = Math.min(window.devicePixelRatio || 1, 3);
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
  }

  // The colours are those of the style sheet in this theme.
  function takeColours() {
    const style = getComputedStyle(frame);
    const ink = (name) => paint.rgb(style.getPropertyValue(`--${name}`).trim());
    const kinds = ["c0", "c1", "c2", "c3", "c4"].map(ink);
    const paper = ink("paper");
    const both = paint.ramp(paper, kinds[0], kinds[1], 0.8);
    inks = {
      kinds,
      paper,
      ink: ink("ink"),
      soft: ink("soft"),
      both,
      each: kinds.map((kind) => paint.ramp(paper, ink("soft"), kind, 0.8)),
    };
  }

  const css = (colour, alpha = 1) => `rgb(${colour.map(Math.round).join(" ")} / ${alpha})`;

  // What the network says, at the places of the maps and at the points

  let maps = null; // until they are to be drawn
  let said = [];

  function isRight(k) {
    if (!several) return said[top][0][k] > 0 === classes[k] > 0;
    const scores = said[top].map((values) => values[k]);
    return scores[classes[k]] === Math.max(...scores);
  }

  const count = (w) => {
    said = network.outputs(w, points);
    return classes.filter((_, k) => isRight(k)).length;
  };

  const silent = (values) => values.every((v) => v === 0);
  const dead = (layer, i) => layer > 0 && layer < top && silent(said[layer][i]);

  function show(k) {
    at = k;
    weights = film.frames[k];
    frame.dataset.frame = k;
    frame.dataset.step = film.steps[k];
    maps = null;
    said = network.outputs(weights, points);
    draw();
    tell();
  }

  function rampOf(layer, i) {
    return several && layer === top ? inks.each[i] : inks.both;
  }

  function draw() {
    if (!visible || !inks.kinds) return;
    maps ||= network.outputs(weights, grid);
    for (const [layer, boxes] of neurons.entries())
      boxes.forEach(({ box, canvas }, i) => {
        drawMap(canvas, layer, i);
        box.classList.toggle("dead", dead(layer, i));
      });
    drawLarge();
    drawNet();
  }

  function drawNet() {
    const here = spot && network.outputs(weights, [[spot[0]], [spot[1]]]);
    drawLines(here);
    drawAnswers(here);
  }

  function drawMap(canvas, layer, i) {
    const [values, ramp, scale] = [maps[layer][i], rampOf(layer, i), scales[layer]];
    paint.fill(canvas, (k) => paint.shade(ramp, paint.share(values[k], scale)));
  }

  // The map in large: of the chosen neuron, or of the whole network

  function drawLarge() {
    const g = map.getContext("2d");
    const dots = map.width / map.clientWidth;
    const [layer, i] = chosen || [top, 0];
    if (several && !chosen) drawRegions();
    else drawMap(map, layer, i);
    g.lineWidth = 2 * dots;
    g.lineJoin = g.lineCap = "round";
    g.strokeStyle = css(inks.ink);
    if (several && !chosen) for (const lead of leads()) g.stroke(paint.zeros(lead, map.width));
    else if (layer > 0)
      g.stroke(paint.zeros(network.sum(weights, maps[layer - 1], layer, i), map.width));
    drawPoints(g, dots, !chosen || layer === top);
  }

  // By how much each class is ahead of the others
  function leads() {
    return maps[top].map((own, c) =>
      own.map((v, k) => v - Math.max(...maps[top].map((w, d) => (d === c ? -Infinity : w[k])))),
    );
  }

  function drawRegions() {
    const ahead = leads();
    paint.fill(map, (k) => {
      const c = ahead.findIndex((lead) => lead[k] >= 0);
      return paint.shade(inks.each[Math.max(c, 0)], 0.6 * paint.share(ahead[c]?.[k], scales[top]));
    });
  }

  const x = (value) => ((value - left) / (right - left)) * map.width;
  const y = (value) => ((upper - value) / (upper - bottom)) * map.height;

  function drawPoints(g, dots, judged) {
    const radius = (classes.length > 300 ? 3 : 4) * dots;
    for (const [k, c] of classes.entries()) {
      g.beginPath();
      g.arc(x(points[0][k]), y(points[1][k]), radius, 0, 7);
      const wrong = judged && !isRight(k);
      const out = held.has(k); // a ring
      g.fillStyle = css(out ? inks.paper : inks.kinds[c]);
      g.fill();
      g.lineWidth = (wrong || out ? 2 : 1) * dots;
      g.strokeStyle = css(wrong ? inks.ink : out ? inks.kinds[c] : inks.paper);
      g.stroke();
      if (!wrong || !out) continue;
      g.beginPath();
      g.arc(x(points[0][k]), y(points[1][k]), radius / 2, 0, 7);
      g.fillStyle = css(inks.kinds[c]);
      g.fill();
    }
    if (!spot) return;
    g.beginPath();
    g.arc(x(spot[0]), y(spot[1]), 8 * dots, 0, 7);
    g.lineWidth = 2 * dots;
    g.strokeStyle = css(inks.ink);
    g.stroke();
  }

  // The weights; where a place is asked about, what they add there

  function drawLines(here) {
    const g = lines.getContext("2d");
    const dots = lines.width / net.clientWidth;
    g.setTransform(dots, 0, 0, dots, 0, 0);
    g.clearRect(0, 0, net.clientWidth, lines.height);
    g.lineCap = "round";
    for (let layer = 1; layer <= top; layer++) {
      const scale = strengths[layer] * 2 * (here ? scales[layer - 1] : 1);
      for (let i = 0; i < sizes[layer]; i++)
        for (let j = 0; j < sizes[layer - 1]; j++) {
          const w = weights[network.place(layer, i) + j] * (here ? here[layer - 1][j][0] : 1);
          drawLine(g, layer, j, i, paint.share(w, scale));
        }
    }
  }

  function drawLine(g, layer, j, i, share) {
    const near =
      chosen &&
      ((chosen[0] === layer && chosen[1] === i) || (chosen[0] === layer - 1 && chosen[1] === j));
    const strong = Math.abs(share);
    const crowd = Math.sqrt(Math.max(1, (sizes[layer] * sizes[layer - 1]) / 48)); // of the lines
    const alpha = chosen ? (near ? 0.25 + 0.75 * strong : 0.05) : (0.06 + 0.8 * strong ** 2) / crowd;
    const [[x0, y0], [x1, y1]] = [where[layer - 1][j], where[layer][i]];
    const [from, to] = [x0 + edge / 2, x1 - edge / 2];
    const bend = (to - from) / 2;
    g.beginPath();
    g.moveTo(from, y0);
    g.bezierCurveTo(from + bend, y0, to - bend, y1, to, y1);
    g.lineWidth = 0.5 + 4.5 * strong;
    g.strokeStyle = css(inks.kinds[share > 0 ? 1 : 0], alpha);
    g.stroke();
  }

  // What each neuron says of a place

  function drawAnswers(here) {
    net.classList.toggle("answers", Boolean(spot));
    key.textContent = spot ? PRODUCTS : WEIGHTS;
    for (const [layer, boxes] of neurons.entries())
      boxes.forEach(({ box, says }, i) => {
        const [value] = here ? here[layer][i] : [0];
        says.textContent = here ? brief(value) : "";
        says.style.background = here
          ? css(paint.shade(rampOf(layer, i), paint.share(value, scales[layer])))
          : "";
        box.classList.toggle("chosen", Boolean(chosen) && chosen[0] === layer && chosen[1] === i);
      });
  }

  // The words

  function number(x, digits = 2) {
    if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "∞" : "−∞";
    const size = Math.abs(x);
    const plain = size === 0 ? "0" : size < 1e-3 || size >= 1e5 ? x.toExponential(1) : "";
    return (plain || x.toFixed(size >= 100 ? 0 : digits)).replace("-", "−");
  }

  function brief(x) {
    const size = Math.abs(x);
    return size >= 1e4 ? (x > 0 ? "»" : "−»") : number(x, size < 10 ? 1 : 0).replace(/.*e.*/, "0");
  }

  function called(layer, i) {
    if (layer === 0) return "x" + "₁₂"[i];
    return `layers[${layer - 1}].neurons[${i}]`;
  }

  function formula(layer, i) {
    if (layer === 0) return "an input";
    const act = film.acts[layer - 1][i];
    const [start, n] = [network.place(layer, i), sizes[layer - 1]];
    const signed = (w) => `${w < 0 ? "−" : "+"} ${number(Math.abs(w))}`;
    const bias = signed(weights[start + n]);
    const sum =
      layer === 1
        ? `${number(weights[start])}·x₁ ${signed(weights[start + 1])}·x₂ ${bias}`
        : `${n} inputs, each times its weight, ${bias}`;
    return act === "linear" ? sum : `${act}(${sum})`;
  }

  function ofNeuron(layer, i) {
    const values = [...said[layer][i]];
    const zero = values.filter((v) => v === 0).length;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const range = `from ${number(low)} to ${number(high)} at the points`;
    const quiet = zero ? `, 0 at ${zero} of ${values.length}` : "";
    const all = dead(layer, i) ? "dead: it says 0 at every point" : range + quiet;
    return `${called(layer, i)} = ${formula(layer, i)}; ${all}`;
  }

  function ofSpot([x1, x2, k]) {
    const scores = network.outputs(weights, [[x1], [x2]])[top].map(([v]) => v);
    const score = several ? `scores ${scores.map((s) => number(s)).join(", ")}` : `score ${number(scores[0])}`;
    const place = `(${number(x1)}, ${number(x2)})`;
    if (k < 0) return `At ${place}: ${score}. Each box shows what its neuron says there.`;
    const verdict = isRight(k) ? "right" : "wrong";
    return `Point ${k} at ${place}, label ${labels[classes[k]]}: ${score}, ${verdict}.`;
  }

  function judged(loss, which, what) {
    const some = classes.map((_, k) => k).filter(which);
    const known = Number.isFinite(loss) ? `loss ${number(loss, 4)}, ` : "";
    return `${known}${some.filter(isRight).length} of ${some.length} ${what}right`;
  }

  function tell() {
    const step = film.steps[at];
    const loss = film.loss(at);
    const gone = sizes.flatMap((n, layer) =>
      Array.from({ length: n }, (_, i) => i).filter((i) => dead(layer, i)),
    ).length;
    const after = film.steps.length > 1 ? `After ${step} ${step === 1 ? "step" : "steps"}: ` : "";
    const parts = [judged(loss, (k) => !held.has(k), "points ")];
    if (held.size) parts.push(`held out: ${judged(film.heldLoss(at), (k) => held.has(k), "")}`);
    if (gone) parts.push(`${gone} dead ${gone > 1 ? "neurons" : "neuron"}`);
    told.textContent = `${after}${parts.join("; ")}.`;
    named.textContent = chosen ? called(...chosen) : "what the network says";
    asked.textContent = spot
      ? ofSpot(spot)
      : chosen
        ? ofNeuron(...chosen)
        : "Point at a neuron to see its map in large, at the map to see what every neuron says there.";
    map.setAttribute("aria-label", `${named.textContent}: ${told.textContent}`);
  }

  // Choosing, by pointer and by key

  function choose(neuron, place = null) {
    [chosen, spot] = [neuron, place];
    frame.dataset.chosen = neuron ? neuron.join(".") : "";
    frame.dataset.point = place ? place[2] : "";
    if (maps) drawLarge();
    if (maps) drawNet();
    tell();
  }

  // What every neuron says of a place.
  function ask(place) {
    pinned &&= !place;
    choose(pinned ? chosen : null, place);
  }

  function placeOf(event) {
    const box = map.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const zoom = map.width / box.width;
    const far = classes.map((_, k) =>
      Math.hypot(x(points[0][k]) / zoom - px, y(points[1][k]) / zoom - py),
    );
    const nearest = far.reduce((best, d, k) => (d < far[best] ? k : best), 0);
    if (far[nearest] <= NEAR) return [points[0][nearest], points[1][nearest], nearest];
    return [between(left, right, px / box.width), between(upper, bottom, py / box.height), -1];
  }

  map.addEventListener("pointermove", (event) => ask(placeOf(event)));
  map.addEventListener("pointerdown", (event) => ask(placeOf(event)));
  map.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") ask(null);
  });

  const everyone = sizes.flatMap((n, layer) => Array.from({ length: n }, (_, i) => [layer, i]));

  // The next of a list, where the end is followed by none of it
  function stepped(list, now, by) {
    const i = list.findIndex((one) => one.join() === (now || []).join());
    return list[(i + 1 + by + list.length + 1) % (list.length + 1) - 1] || null;
  }

  function onKey(key) {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 1, PageUp: -1 }[key];
    if (!by) return false;
    if (key.startsWith("Arrow")) {
      choose(stepped(everyone, chosen, by));
      pinned = Boolean(chosen);
    } else {
      const all = classes.map((_, k) => [points[0][k], points[1][k], k]);
      ask(stepped(all, spot && spot[2] >= 0 ? spot : null, by));
    }
    return true;
  }

  // The theme changes, the width changes

  const theme = new MutationObserver(() => {
    takeColours();
    draw();
  });
  const room = new ResizeObserver(layout);
  const sight = new IntersectionObserver((entries) => {
    visible = entries[entries.length - 1].isIntersecting;
    draw();
  });
  theme.observe(frame, { attributes: true, attributeFilter: ["data-theme"] });
  for (const observer of [room, sight]) observer.observe(stage);

  function begin() {
    takeColours();
    layout();
  }

  // Takes all of it away.
  function end() {
    for (const observer of [theme, room, sight]) observer.disconnect();
    stage.remove();
  }

  return { begin, end, show, count, measure, onKey, stage, view, say, number };
}
