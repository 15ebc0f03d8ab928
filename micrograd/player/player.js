// Shows a story (see page.py) in `root`, and steps through it. Whatever text comes from the user's
// graph is set as text, never as markup.
function microgradPlayer(root, story) {
  "use strict";
  const { nodes, flows, steps } = story;
  const last = steps.length - 1;
  const answers = new Map(); // step: what was typed for each flow, and whether it was right
  let at = 0;
  let predicting = story.predict;
  let timer = null;

  function add(parent, tag, attributes = {}, text = "") {
    const space = tag === "svg" ? "http://www.w3.org/2000/svg" : parent.namespaceURI;
    const made = parent.appendChild(document.createElementNS(space, tag));
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== "") made.textContent = text;
    return made;
  }

  // The controls

  const ICONS = {
    first: "M2 2h2v12H2zM14 2v12L5 8z",
    back: "M12 2v12L3 8z",
    play: "M3 2l11 6-11 6z",
    pause: "M3 2h4v12H3zM9 2h4v12H9z",
    forward: "M4 2v12l9-6z",
    last: "M12 2h2v12h-2zM2 2v12l9-6z",
  };

  const SPEEDS = { slow: 0.5, normal: 1, fast: 2, "very fast": 5 };

  function button(name, label, action) {
    const made = add(keys, "button", { type: "button", class: name });
    const icon = add(made, "svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
    add(icon, "path", { d: ICONS[name] });
    made.addEventListener("click", action);
    entitle(made, label);
    return made;
  }

  function entitle(control, label) {
    control.title = label;
    control.setAttribute("aria-label", label);
  }

  const still = [...root.childNodes];
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", story.title);
  const bar = add(root, "div", { class: "bar" });
  const keys = add(bar, "div", { class: "keys" });
  const toFirst = button("first", "first step (Home)", () => go(0));
  const toBack = button("back", "one step back (←)", () => go(at - 1));
  const toPlay = button("play", "play", () => (timer ? pause() : play()));
  const toForward = button("forward", "one step forward (→)", () => go(at + 1));
  const toLast = button("last", "last step (End)", () => go(last));
  const slider = add(bar, "input", { class: "slider", type: "range", max: last });
  slider.setAttribute("aria-label", "step");
  slider.addEventListener("input", () => go(Number(slider.value)));
  const count = add(bar, "span", { class: "count" });
  const speed = add(bar, "select", { "aria-label": "speed" });
  for (const [name, factor] of Object.entries(SPEEDS))
    add(speed, "option", { value: factor }, name);
  speed.value = SPEEDS.normal;
  const toPredict = add(bar, "button", { class: "predict", type: "button" }, "Predict");
  toPredict.title = "type each number before it is shown";
  toPredict.addEventListener("click", () => {
    predicting = !predicting;
    show();
  });
  const score = add(bar, "span", { class: "score", role: "status" });
  const view = add(root, "div", { class: "view" });
  const say = add(root, "div", { class: "say", "aria-live": "polite", "aria-atomic": "true" });

  // The picture

  const [width, height] = story.size;
  const picture = add(view, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  picture.style.width = `clamp(${0.8 * width}px, 100%, ${width}px)`; // below that it scrolls
  const [lines, plates] = [add(picture, "g"), add(picture, "g")]; // no line crosses a plate
  const arrows = flows.map(drawnFlow);
  const boxes = nodes.map(drawnNode);

  function rectangle(parent, name, [x, y, w, h], round) {
    return add(parent, "rect", { class: name, x, y, width: w, height: h, rx: round });
  }

  function write(parent, name, x, y, text = "") {
    return add(parent, "text", { class: name, x, y }, text);
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
    return { g, plate, slope, added };
  }

  function drawnNode({ name, labelled, op, data, box, circle }) {
    const g = add(picture, "g");
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
    write(g, labelled ? "name" : "name unnamed", middle, row(0), name);
    write(g, "key", left, row(1), "data");
    write(g, "data", right, row(1), data);
    write(g, "key", left, row(2), "grad");
    return { g, hover, grad: write(g, "grad", right, row(2)) };
  }

  // What is there at a step

  function turn(kind, i) {
    return steps.findIndex((s) => s.kind === kind && s.node === i);
  }
  const computed = nodes.map((n, i) => (n.circle ? turn("forward", i) : 0));
  const passed = nodes.map((n, i) => (n.circle ? turn("backward", i) : last));

  function flowsFrom(i) {
    return flows.filter((f) => f.parent === i);
  }

  function asked(k) {
    if (!predicting || steps[k].kind !== "backward") return [];
    return flowsFrom(steps[k].node)
      .filter((f) => f.added !== null)
      .slice(0, story.most);
  }

  function open(k) {
    return asked(k).length > 0 && !answers.has(k);
  }

  function gradients() {
    const now = {};
    for (const [k, s] of steps.slice(0, at + 1).entries())
      if (k < at || !open(k)) Object.assign(now, s.grads);
    return now;
  }

  function show() {
    const step = steps[at];
    const backward = ["seed", "backward", "end"].includes(step.kind);
    root.dataset.step = at;
    root.dataset.pass = backward ? "backward" : "forward";
    showTheme();
    showNodes(step, backward);
    showFlows(step);
    showControls();
    showWords(step);
    scrollTo(step);
  }

  function setClasses(g, classes) {
    g.setAttribute(
      "class",
      Object.keys(classes)
        .filter((name) => classes[name])
        .join(" "),
    );
  }

  function showNodes(step, backward) {
    const grads = gradients();
    nodes.forEach((n, i) => {
      const { g, hover, grad } = boxes[i];
      const on = i === step.node && step.kind !== "start" && step.kind !== "end";
      setClasses(g, {
        leaf: !n.circle,
        waiting: computed[i] > at,
        reached: backward && grads[i][0] !== "0",
        on,
        gets: step.kind === "backward" && flowsFrom(step.node).some((f) => f.child === i),
      });
      grad.textContent = grads[i][0];
      hover.textContent = `${n.name}: data ${n.exact}, grad ${grads[i][1]}`;
    });
    picture.setAttribute("aria-label", boxes.map((b) => b.hover.textContent).join("; "));
  }

  function showFlows(step) {
    const hidden = open(at) ? asked(at) : [];
    flows.forEach((f, i) => {
      const { g, plate, slope, added } = arrows[i];
      const on = f.parent === step.node;
      const back = on && step.kind === "backward";
      const ahead = on && step.kind === "forward";
      setClasses(g, { waiting: computed[f.parent] > at, ahead, back });
      setClasses(plate, { plate: true, shown: passed[f.parent] <= at, back });
      slope.textContent = hidden.includes(f) ? f.text[0].replace(/^\S+/, "?") : f.text[0];
      added.textContent = hidden.includes(f) ? "?" : f.text[1];
    });
  }

  function showControls() {
    const all = [...answers.values()].flat();
    const right = all.filter((a) => a.right).length;
    slider.value = at;
    slider.setAttribute("aria-valuetext", `${at + 1} of ${steps.length}`);
    count.textContent = `${at + 1} / ${steps.length}`;
    for (const b of [toFirst, toBack]) b.setAttribute("aria-disabled", at === 0);
    for (const b of [toLast, toForward]) b.setAttribute("aria-disabled", at === last);
    toPredict.setAttribute("aria-pressed", predicting);
    score.textContent = predicting && all.length ? `${right} of ${all.length} right` : "";
  }

  function showWords(step) {
    say.replaceChildren();
    const head = add(say, "div", { class: "head" });
    add(head, "span", { class: "pass" }, root.dataset.pass);
    add(head, "span", {}, step.lines[0]);
    if (open(at)) return ask();
    const verdicts = (predicting && answers.get(at)) || [];
    const own = flowsFrom(step.node);
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

  function scrollTo(step) {
    if (step.kind === "end") return;
    const scale = picture.clientWidth / width;
    const [x, y, , h] = nodes[step.node].circle || nodes[step.node].box;
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    view.scrollTo({
      left: at === 0 ? 0 : (x - 30) * scale - view.clientWidth / 2,
      top: (y + h / 2) * scale - view.clientHeight / 2,
      behavior: still ? "auto" : "smooth",
    });
  }

  function showTheme() {
    const [r, g, b] = (getComputedStyle(root.parentElement).color.match(/[\d.]+/g) || []).map(
      Number,
    );
    root.dataset.theme = r + g + b > 384 ? "dark" : "light"; // pale letters stand on a dark page
  }

  // Predicting

  function ask() {
    const form = add(say, "form", { autocomplete: "off" });
    add(form, "div", {}, "What does each get? Type a number, or a product such as 3 * -0.5.");
    const fields = asked(at).map((f) => {
      const line = add(
        add(form, "div", { class: "child" }),
        "label",
        {},
        `${nodes[f.child].name} gets`,
      );
      return add(line, "input", { type: "text", inputmode: "text", spellcheck: "false" });
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
    toForward.focus({ preventScroll: true });
  }

  function judged(flow, typed) {
    const error = Math.abs(value(typed) - flow.added);
    return { flow, typed, right: error <= 0.01 * Math.abs(flow.added) + 1e-9 };
  }

  // A number, or numbers with * and / between them; the minus sign may be a true one.
  function value(text) {
    const plain = text.replace(/[−–]/g, "-").replace(/,/g, ".").replace(/[()]/g, "");
    const quotient = (t) =>
      t
        .split("/")
        .map((n) => (n.trim() ? Number(n) : NaN))
        .reduce((p, n) => p / n);
    return plain
      .split(/[*×·]/)
      .map(quotient)
      .reduce((p, n) => p * n);
  }

  // Moving

  function move(k) {
    at = Math.max(0, Math.min(last, k));
    show();
    const field = say.querySelector("input");
    if (field && root.contains(document.activeElement)) field.focus({ preventScroll: true });
  }

  function go(k) {
    pause();
    move(k);
  }

  function play() {
    if (at === last) move(0);
    showPlaying(true);
    wait();
  }

  function wait() {
    const letters = steps[at].lines.join("").length;
    timer = setTimeout(
      () => {
        if (at < last && !open(at)) move(at + 1);
        if (at < last && !open(at)) wait();
        else pause();
      },
      (1000 + 20 * letters) / Number(speed.value),
    );
  }

  function pause() {
    clearTimeout(timer);
    timer = null;
    showPlaying(false);
  }

  function showPlaying(playing) {
    toPlay.querySelector("path").setAttribute("d", playing ? ICONS.pause : ICONS.play);
    entitle(toPlay, playing ? "pause" : "play");
  }

  // A notebook listens for keys too, above this element and before it: while the focus is in here,
  // keys are taken on their way down, and only those with Ctrl, Alt or the like are left to it.
  function onKey(event) {
    const { key, target } = event;
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    const leaving = key === "Tab" || key === "Escape" || (key === "Enter" && event.shiftKey);
    if (modified || leaving || !root.contains(target)) return;
    event.stopPropagation();
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[key];
    const editing = target.tagName === "SELECT" || (target.type === "text" && target.value);
    if (to === undefined || editing) return;
    event.preventDefault();
    go(to);
  }

  root.addEventListener("focusin", () => window.addEventListener("keydown", onKey, true));
  root.addEventListener("focusout", () => window.removeEventListener("keydown", onKey, true));
  root.addEventListener("pointerenter", showTheme);
  show();
  for (const node of still) node.remove(); // not before all the rest has worked
}
