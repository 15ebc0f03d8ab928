// Shows a story (see page.py) in `host`, and steps through it. Returns a function that tells how it
// looks now; another player, of a story much like it, goes on from there if it is given that as `was`.
function microgradPlayer(host, css, story, was) {
  "use strict";
  const { nodes, flows, steps } = story;
  const shell = microgradShell(host, css, story.title);
  const { frame, add, writer } = shell;
  const last = steps.length - 1;
  const answers = new Map(); // step: what was typed for each flow, and whether it was right
  let at = Math.min(was?.at ?? 0, last);
  let predicting = was?.predicting ?? story.predict;

  // The controls

  const bar = add(frame, "div", { class: "bar" });
  const controls = shell.transport(bar, {
    last,
    show: arrive,
    says: (k) => `${k + 1} / ${steps.length}`,
    time: (k) => 1000 + 20 * steps[k].lines.join("").length,
    stops: open,
  });
  const toPredict = shell.toggle(
    bar,
    "predict",
    "Predict",
    "type each number before it is shown",
    () => {
      predicting = !predicting;
      makeRoom();
      show();
    },
  );
  const toFit = shell.toggle(bar, "fit", "Fit", "the whole picture, however small", () => {
    toFit.setAttribute("aria-pressed", view.classList.toggle("fits"));
    size();
    follow();
  });
  toFit.setAttribute("aria-pressed", false);
  const score = add(bar, "span", { class: "score", role: "status" });
  const view = add(frame, "div", { class: "view", tabindex: 0, role: "group", "aria-label": "graph" });
  const words = add(frame, "div", { class: "words" });
  const say = add(words, "div", { class: "say", "aria-live": "polite", "aria-atomic": "true" });

  // The picture

  const [width, height] = story.size;
  const picture = add(view, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  picture.setAttribute("aria-label", `graph of ${nodes.length} values`);
  const [lines, plates] = [add(picture, "g"), add(picture, "g")]; // no line crosses a plate
  const arrows = flows.map(drawnFlow);
  const boxes = nodes.map(drawnNode);

  function size() {
    const fits = view.classList.contains("fits");
    picture.style.width = fits ? "" : `${width}px`;
    picture.style.height = fits ? "" : `${height}px`;
  }

  function rectangle(parent, name, [x, y, w, h], round) {
    return add(parent, "rect", { class: name, x, y, width: w, height: h, rx: round });
  }

  function write(parent, name, x, y, text = "") {
    return add(parent, "text", { class: name, x, y }, text);
  }

  function classes(g) {
    return writer((names) => g.setAttribute("class", names));
  }

  function contents(element) {
    return writer((text) => {
      element.textContent = text;
    });
  }

  function drawnFlow({ curve, plate: [x, y, w, h], text }) {
    const g = add(lines, "g");
    const [startX, startY] = curve[0];
    const [endX, endY] = curve[curve.length - 1];
    add(g, "path", { class: "line", d: `M${curve[0]}C${curve.slice(1).join(" ")}` });
    add(g, "path", { class: "tip tip-ahead", d: `M${endX} ${endY}l-8 -4v8z` });
    add(g, "path", { class: "tip tip-back", d: `M${startX} ${startY}l9 -5v10z` });
    const plate = add(plates, "g");
    rectangle(plate, "", [x, y, w, h], 5);
    const slope = write(plate, "slope", x + w / 2, y + 13, text[0]);
    const added = write(plate, "added", x + w / 2, y + 27, text[1]);
    return {
      line: classes(g),
      plate: classes(plate),
      slope: contents(slope),
      added: contents(added),
    };
  }

  function drawnNode({ name, labelled, constant, op, data, box, circle }, i) {
    const g = add(picture, "g", { "data-node": i });
    const hover = add(g, "title");
    if (circle) {
      const y = circle[1] + circle[3] / 2;
      add(g, "path", { class: "wire", d: `M${circle[0] + circle[2]} ${y}H${box[0]}` });
      rectangle(g, "op", circle, circle[3] / 2);
      write(g, "symbol", circle[0] + circle[2] / 2, y + 4, op);
    }
    const [x, y, w, h] = box;
    rectangle(g, "box", box, 6);
    const [left, middle, right] = [x + story.padding, x + w / 2, x + w - story.padding];
    const row = (i) => y + h / 2 + (i - 1) * story.row + 4;
    const style = labelled ? "name" : "name unnamed";
    write(g, style, middle, row(constant ? 1 : 0), name);
    if (!constant) {
      write(g, "key", left, row(1), "data");
      write(g, "data", right, row(1), data);
      write(g, "key", left, row(2), "grad");
    }
    const grad = constant ? () => {} : contents(write(g, "grad", right, row(2)));
    return { name: classes(g), hover: contents(hover), grad };
  }

  // A click on a box leads to the step that completes its gradient.
  picture.addEventListener("click", ({ target }) => {
    const i = target.closest("[data-node]")?.dataset.node;
    if (i !== undefined) controls.go(changes[i][changes[i].length - 1][0]);
  });

  // What is there at a step

  const computed = nodes.map(() => 0); // the step in which it is
  const passed = nodes.map(() => last); // the step in which it passes its gradient on
  const changes = nodes.map(() => [[0, "0", "0.0"]]); // of its gradient: step, text, and exactly
  const from = nodes.map(() => []); // the flows that it passes on
  for (const [index, flow] of flows.entries()) from[flow.parent].push(Object.assign(flow, { index }));
  for (const [k, step] of steps.entries()) {
    if (step.kind === "forward") computed[step.node] = k;
    if (step.kind === "backward") passed[step.node] = k;
    for (const [i, grad] of Object.entries(step.grads)) changes[i].push([k, ...grad]);
  }

  function asked(k) {
    if (!predicting || steps[k].kind !== "backward") return [];
    const sure = from[steps[k].node].filter((f) => f.added !== null && !nodes[f.child].constant);
    return sure.slice(0, story.most);
  }

  function open(k) {
    return asked(k).length > 0 && !answers.has(k);
  }

  function gradient(i, k) {
    let n = changes[i].length - 1;
    while (changes[i][n][0] > k) n -= 1;
    return changes[i][n];
  }

  function show() {
    const step = steps[at];
    const backward = ["seed", "backward", "end"].includes(step.kind);
    const pass = backward ? "backward" : "forward";
    frame.dataset.step = at;
    controls.slider.dataset.pass = pass;
    const [someNodes, someFlows] = touched();
    showNodes(someNodes, step, backward);
    showFlows(someFlows, step);
    before = at;
    showControls();
    showWords(step);
    follow();
  }

  const FEW = 3; // steps
  const WORKING = { forward: "on forward", seed: "on backward", backward: "on backward" };

  // What may look different from what was shown last: of a step, its node, the flows from there,
  // and their children.
  let before = null;
  const everyone = [nodes.map((_, i) => i), flows.map((_, i) => i)];

  function touched() {
    if (before === null || Math.abs(at - before) > FEW) return everyone;
    const [someNodes, someFlows] = [new Set(), new Set()];
    for (let k = Math.min(at, before); k <= Math.max(at, before); k++) {
      const i = steps[k].node;
      someNodes.add(i);
      for (const flow of from[i]) {
        someFlows.add(flow.index);
        someNodes.add(flow.child);
      }
    }
    return [someNodes, someFlows];
  }

  function named(...names) {
    return names.filter(Boolean).join(" ");
  }

  function showNodes(some, step, backward) {
    const told = open(at) ? at - 1 : at;
    const given = step.kind === "backward" ? from[step.node] : [];
    const getting = new Set(given.map((f) => f.child));
    for (const i of some) {
      const n = nodes[i];
      const [, shown, exact] = gradient(i, told);
      boxes[i].name(
        named(
          "node",
          !n.circle && "leaf",
          computed[i] > at && "waiting",
          backward && shown !== "0" && "reached",
          i === step.node && WORKING[step.kind],
          getting.has(i) && "gets",
        ),
      );
      boxes[i].grad(shown);
      boxes[i].hover(`${n.name}: data ${n.exact}, grad ${exact}`);
    }
  }

  function showFlows(some, step) {
    const hidden = new Set(open(at) ? asked(at) : []);
    for (const i of some) {
      const f = flows[i];
      const on = f.parent === step.node;
      const back = on && step.kind === "backward" && "back";
      const ahead = on && step.kind === "forward" && "ahead";
      arrows[i].line(named(computed[f.parent] > at && "waiting", ahead, back));
      arrows[i].plate(named("plate", passed[f.parent] <= at && "shown", back));
      arrows[i].slope(hidden.has(f) ? f.text[0].replace(/^\S+/, "?") : f.text[0]);
      arrows[i].added(hidden.has(f) ? "?" : f.text[1]);
    }
  }

  function showControls() {
    const all = [...answers.values()].flat();
    const right = all.filter((a) => a.right).length;
    toPredict.setAttribute("aria-pressed", predicting);
    score.textContent = predicting && all.length ? `${right} of ${all.length} right` : "";
  }

  function showWords(step) {
    say.replaceChildren();
    const head = add(say, "div", { class: "head" });
    const { pass } = controls.slider.dataset;
    add(head, "span", { class: `pass ${pass}` }, pass);
    add(head, "span", {}, step.lines[0]);
    if (open(at)) return ask();
    const verdicts = (predicting && answers.get(at)) || [];
    const own = from[step.node];
    step.lines.slice(1).forEach((text, i) => {
      const verdict = verdicts.find((v) => v.flow === own[i]);
      const line = add(say, "div", {
        class: verdict ? `child ${verdict.right ? "right" : "wrong"}` : "child",
      });
      if (verdict)
        add(line, "span", { class: "verdict" }, verdict.right ? "✓ " : `✗ not ${verdict.typed}: `);
      add(line, "span", {}, text);
    });
  }

  // Room for the longest words and the longest question: what is below does not move. It holds no
  // text, only attributes, so that nobody reads or finds it.
  function makeRoom() {
    for (const old of words.querySelectorAll(".room")) old.remove();
    const length = (k) => steps[k].lines.reduce((n, text) => n + text.length + 80, 0);
    const all = [...steps.keys()];
    const longest = (key) => all.reduce((best, k) => (key(k) > key(best) ? k : best), 0);
    const long = longest(length);
    room(long, steps[long].lines.slice(1).map((text) => ["told", `✗ not 0.123456: ${text}`]));
    const hard = longest((k) => asked(k).length * 1e6 + steps[k].lines[0].length);
    const fields = asked(hard).map(() => ["told field", " "]);
    if (fields.length) room(hard, [["", QUESTION], ...fields, ["field", " "]]);
  }

  function room(k, more) {
    const made = add(words, "div", { class: "room", "aria-hidden": "true" });
    const rows = [["top", `backward    ${steps[k].lines[0]}`], ...more];
    for (const [name, text] of rows) add(made, "div", { class: name, "data-text": text });
  }

  function follow() {
    const step = steps[at];
    if (step.kind === "end" || view.classList.contains("fits")) return;
    const [x, y, w, h] = nodes[step.node].box;
    const [start] = nodes[step.node].circle || [x];
    view.scrollTo({
      left: at === 0 ? 0 : (start + x + w - view.clientWidth) / 2,
      top: y + (h - view.clientHeight) / 2,
      behavior: shell.calm.matches ? "auto" : "smooth",
    });
  }

  // Predicting

  const QUESTION = "What does each get? Type a number, or a calculation such as 3 * -0.5.";

  function value(text) {
    return microgradNumber(text, story.functions);
  }

  function ask() {
    const form = add(say, "form", { autocomplete: "off" });
    add(form, "div", {}, QUESTION);
    const fields = asked(at).map((f) => {
      const line = add(form, "div", { class: "child" });
      const label = add(line, "label", {}, `${nodes[f.child].name} gets`);
      return add(label, "input", { type: "text", inputmode: "text", spellcheck: "false" });
    });
    add(form, "button", {}, "Check");
    const reveal = add(form, "button", { type: "button" }, "Show me");
    const note = add(form, "span", { class: "note", role: "alert" });
    reveal.addEventListener("click", () => settle([]));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const missing = fields.find((field) => Number.isNaN(value(field.value)));
      if (!missing) return settle(asked(at).map((f, i) => judged(f, fields[i].value)));
      note.textContent = "That is not a number yet.";
      missing.focus();
    });
  }

  function settle(verdicts) {
    answers.set(at, verdicts);
    show();
    controls.toForward.focus({ preventScroll: true });
  }

  function judged(flow, typed) {
    const error = Math.abs(value(typed) - flow.added);
    return { flow, typed, right: error <= 0.01 * Math.abs(flow.added) + 1e-9 };
  }

  // Moving

  function arrive(k) {
    at = k;
    show();
    const field = say.querySelector("input");
    if (field && shell.focused()) field.focus({ preventScroll: true });
  }

  shell.onKeys(controls.onKey);
  if (was?.fits) toFit.click();
  size();
  makeRoom();
  controls.go(at);
  shell.ready();
  view.scrollTo({ left: was?.left, top: was?.top, behavior: "instant" });
  return () => ({
    at: at === last ? Infinity : at,
    predicting,
    fits: view.classList.contains("fits"),
    left: view.scrollLeft,
    top: view.scrollTop,
  });
}
