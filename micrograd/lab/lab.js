// Shows an expression in `host`, with a slider for each of its names, and its graph in a player.
function microgradLab(host, css, story) {
  "use strict";
  const RANGE = 5; // of a slider, in both directions, until its number is larger
  const STEPS = 200; // of a slider
  const RATE = 0.1; // of a step downhill
  const shell = microgradShell(host, css, "Expression lab");
  const { frame, add } = shell;
  const font = getComputedStyle(frame).fontFamily;
  const numbers = new Map(); // of all names there ever were
  const rows = new Map(); // what stands for each name
  let graph = null;
  let player = () => ({});
  let painting = false;

  // The address of the page may hold an expression and its numbers: what is sent to a friend.

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const own = given.has("e") ? [...given] : story.numbers;
    for (const [name, text] of own)
      if (name !== "e" && text !== "" && Number.isFinite(Number(text))) numbers.set(name, Number(text));
    return given.get("e") ?? story.expression;
  }

  function remember() {
    const pairs = graph.names.map((name) => [name, String(numbers.get(name))]);
    const now = `#${new URLSearchParams([["e", field.value], ...pairs])}`;
    try {
      history.replaceState(null, "", now);
    } catch {
      // where a page may not name itself, as in some frames
    }
  }

  // The controls

  const line = add(frame, "div", { class: "line" });
  const label = add(line, "label", { class: "ask" });
  add(label, "span", {}, "Expression");
  const field = add(label, "input", { type: "text", class: "expression", spellcheck: "false" });
  for (const name of ["autocomplete", "autocapitalize"]) field.setAttribute(name, "off");
  const result = add(line, "output", { class: "result" });
  const note = add(frame, "div", { class: "note", role: "status" });
  const tries = add(frame, "div", { class: "tries" });
  add(tries, "span", {}, "Try");
  for (const [text, values] of story.examples)
    shell.toggle(tries, "try", text, "type this", () => {
      field.value = text;
      for (const [name, x] of Object.entries(values)) numbers.set(name, x);
      type();
    });
  const sliders = add(frame, "div", { class: "sliders" });
  const downhill = shell.toggle(
    frame,
    "downhill",
    "One step downhill",
    `each number moves by −${RATE} times its gradient`,
    () => {
      if (isBroken()) return;
      const steep = graph.names.find((name) => !Number.isFinite(gradients.get(name)));
      if (steep) {
        note.textContent = `no step: the gradient of ${steep} is ${microgradWords.number(gradients.get(steep))}`;
        return;
      }
      for (const name of graph.names) set(name, numbers.get(name) - RATE * gradients.get(name));
      paint();
    },
  );
  const stage = add(frame, "div", { class: "stage" });
  let gradients = new Map();

  function slider(name) {
    const row = add(sliders, "div", { class: "number" });
    const label = add(row, "label", {});
    add(label, "span", { class: "called" }, name);
    const range = add(label, "input", { type: "range", class: "slider" });
    const exact = add(row, "input", { type: "text", inputmode: "decimal", "aria-label": `${name} as a number` });
    const bar = add(row, "span", { class: "bars", "aria-hidden": "true" });
    const made = { row, range, exact, bar: add(bar, "i"), grad: add(row, "output", { class: "gradient" }) };
    range.addEventListener("input", () => {
      numbers.set(name, Number(range.value));
      exact.value = range.value;
      later();
    });
    exact.addEventListener("input", () => {
      const x = microgradNumber(exact.value, story.functions);
      exact.setAttribute("aria-invalid", !Number.isFinite(x));
      if (!Number.isFinite(x)) return;
      numbers.set(name, x);
      fit(range, x);
      later();
    });
    return made;
  }

  function fit(range, x) {
    const wide = Math.abs(x) > Number(range.max) || !range.max ? Math.max(RANGE, 2 * Math.abs(x)) : range.max;
    Object.assign(range, { min: -wide, max: wide, step: (2 * wide) / STEPS });
    range.value = x;
  }

  function set(name, x) {
    if (!Number.isFinite(x)) return;
    numbers.set(name, x);
    rows.get(name).exact.value = Number(x.toPrecision(6));
    fit(rows.get(name).range, x);
  }

  // What follows from the text: its names and their sliders

  function type() {
    try {
      graph = microgradGraph(field.value, numbers, story.rows);
    } catch (error) {
      note.textContent = error.message;
      frame.classList.add("broken");
      return;
    }
    note.textContent = "";
    frame.classList.remove("broken");
    for (const [name, { row }] of rows)
      if (!graph.names.includes(name)) {
        row.remove();
        rows.delete(name);
      }
    for (const name of graph.names) {
      if (!numbers.has(name)) numbers.set(name, 1);
      if (!rows.has(name)) rows.set(name, slider(name));
      sliders.append(rows.get(name).row);
      set(name, numbers.get(name));
    }
    downhill.hidden = !graph.names.length;
    paint();
  }

  // What follows from the numbers: result, gradients, graph

  function later() {
    if (painting) return;
    painting = true;
    requestAnimationFrame(() => {
      painting = false;
      paint();
    });
  }

  const isBroken = () => frame.classList.contains("broken");

  function paint() {
    if (isBroken()) return; // until the expression is whole again
    graph = microgradGraph(field.value, numbers, story.rows);
    note.textContent = "";
    const told = microgradStory(graph.nodes, { ...story, font });
    const root = told.nodes[told.nodes.length - 1];
    result.textContent = `= ${root.data}`;
    result.title = root.exact;
    gradients = new Map(graph.names.map((name) => [name, 0]));
    for (const [i, node] of graph.nodes.entries())
      if (gradients.has(node.label) && !node.children.length)
        gradients.set(node.label, told.gradients[i]);
    const most = Math.max(...[...gradients.values()].map(Math.abs).filter(Number.isFinite), 1e-12);
    for (const [name, { grad, bar }] of rows) {
      const g = gradients.get(name);
      grad.textContent = `grad ${microgradWords.number(g)}`;
      const part = Number.isFinite(g) ? Math.abs(g) / most : 1;
      bar.style.width = `${50 * part}%`;
      bar.style.left = g < 0 ? `${50 - 50 * part}%` : "50%";
    }
    play(told);
    remember();
  }

  // The player begins anew where the old one was.
  function play(told) {
    const was = player();
    const place = document.createElement("div");
    stage.replaceChildren(place);
    player = microgradPlayer(place, css, told, { at: told.steps.length - 1, ...was });
  }

  field.value = read();
  field.addEventListener("input", type);
  window.addEventListener("hashchange", () => {
    if (new URLSearchParams(location.hash.slice(1)).get("e") === field.value) return;
    field.value = read();
    type();
  });
  shell.ready();
  type();
}
