// Shows a training that runs in a kernel, and steers it: what it draws is a film that grows.
function microgradLive(host, css, model) {
  "use strict";
  const MOST = 1200; // frames kept, to look back
  const WAIT = 4000; // milliseconds until a kernel that says nothing is taken for gone
  const STEPS = [1, 2, 5, 20, 100];
  const place = document.createElement("div");
  host.append(place);
  const shell = microgradShell(place, css, "Training, live");
  const { frame, add } = shell;
  let story = model.get("story");
  let film = null;
  let scene = null;
  let charts = [];
  let at = 0; // the frame that is shown
  let measured = 0; // the frames there were when the shades were measured
  let playing = false;
  let timer = null;

  const ask = (what, ...given) => {
    clearTimeout(timer);
    timer = setTimeout(noAnswer, WAIT);
    try {
      model.send({ do: what, with: given });
    } catch {
      noAnswer();
    }
  };

  function noAnswer() {
    complain("The kernel does not answer: run the cell again.");
    showPlaying(false);
  }

  // The controls

  const bar = add(frame, "div", { class: "bar" });
  const keys = add(bar, "div", { class: "keys" });
  const toPlay = shell.button(keys, "play", "play", () => (playing ? ask("pause") : play()));
  shell.button(keys, "forward", "one step (→)", () => ask("step"));
  const toRestart = shell.button(keys, "first", "back to the first weights (Home)", restart);
  const past = add(bar, "input", { class: "past", type: "range", min: 0, max: 0, value: 0 });
  past.setAttribute("aria-label", "look back");
  past.addEventListener("input", () => show(Number(past.value)));
  const count = add(bar, "span", { class: "count" });
  const speed = choice(bar, "steps a frame", STEPS, (value) => ask("speed", Number(value)));
  const rate = slider();
  const optimizer = choice(bar, "", story.choices.optimizer, (v) => ask("set", "optimizer", v));
  optimizer.setAttribute("aria-label", "optimizer");
  const CLOSE = "stop, and leave the film of what was trained";
  shell.toggle(bar, "close", "Close", CLOSE, () => ask("close"));
  const toy = "data" in story.settings ? toyBar() : {};
  const problem = add(frame, "div", { class: "error", role: "alert" });

  function choice(parent, name, values, action) {
    const label = add(parent, "label", {}, name);
    const made = add(label, "select");
    for (const value of values) add(made, "option", { value }, value);
    made.addEventListener("change", () => action(made.value));
    return made;
  }

  function slider() {
    const label = add(bar, "label", {}, "learning rate");
    const made = add(label, "input", { class: "rate", type: "range", min: -4, max: 2, step: 0.05 });
    const shown = add(label, "output");
    made.addEventListener("input", () => {
      shown.textContent = nice(10 ** made.value);
      ask("set", "lr", Number(nice(10 ** made.value)));
    });
    return (lr) => {
      if (shell.focused() !== made) made.value = Math.log10(lr);
      shown.textContent = nice(lr);
    };
  }

  const nice = (x) => String(Number(x.toPrecision(2)));

  function toyBar() {
    const row = add(frame, "div", { class: "bar toy" });
    const set = (name) => (value) => ask("set", name, value);
    const made = { data: choice(row, "data", story.choices.data, set("data")) };
    const field = (name, text) => {
      const label = add(row, "label", {}, text);
      made[name] = add(label, "input", { type: "text", class: name, spellcheck: "false" });
      made[name].addEventListener("change", () => set(name)(made[name].value));
    };
    field("points", "points");
    field("noise", "noise");
    field("held", "held out");
    field("hidden", "hidden layers");
    made.act = choice(row, "activation", story.choices.act, set("act"));
    field("seed", "seed");
    return made;
  }

  function showSettings(settings) {
    optimizer.value = settings.optimizer;
    rate(settings.lr);
    for (const [name, control] of Object.entries(toy))
      control.value = Array.isArray(settings[name]) ? settings[name].join(", ") : settings[name];
  }

  // What the kernel tells

  function begin(told) {
    story = told;
    showSettings(story.settings);
    complain("");
    if (scene) scene.end();
    film = null;
  }

  function first(weights) {
    film = {
      ...story,
      points: microgradFloats(story.points),
      frames: [weights],
      steps: [],
      losses: [],
      helds: [],
      loss: (k) => film.losses[k],
      heldLoss: (k) => film.helds[k],
    };
    scene = microgradScene(shell, film);
    frame.append(problem);
    const box = add(scene.view, "div", { class: "charts" });
    const chart = (kind, name) => microgradChart(shell, box, kind, name, find);
    charts = [chart("loss", "loss"), ...(story.held.length ? [chart("held", "held out")] : [])];
    measured = 0;
  }

  function find(step) {
    const far = film.steps.map((s) => Math.abs(s - step));
    if (playing) ask("pause");
    show(far.indexOf(Math.min(...far)));
  }

  function receive({ step, loss, held, error }, weights) {
    if (error) complain(error);
    const fresh = !film;
    if (fresh) first(weights);
    const again = film.steps[film.steps.length - 1] === step;
    if (!fresh && !again) film.frames.push(weights);
    if (!again) {
      film.steps.push(step);
      film.losses.push(loss ?? NaN);
      film.helds.push(held ?? NaN);
    }
    thin();
    if (film.frames.length >= 1.5 * measured) {
      scene.measure();
      measured = film.frames.length;
    }
    past.max = film.frames.length - 1;
    show(film.frames.length - 1);
    if (fresh) scene.begin();
    requestAnimationFrame(() => {
      if (playing) model.send({ do: "drawn" });
    });
  }

  function thin() {
    if (film.frames.length <= MOST) return;
    for (const list of [film.frames, film.steps, film.losses, film.helds])
      list.splice(0, list.length, ...list.filter((_, k) => k % 2 === 0 || k === list.length - 1));
  }

  function show(k) {
    if (!film) return;
    at = k;
    past.value = k;
    const [step, last] = [film.steps[k], film.steps[film.steps.length - 1]];
    count.textContent = step === last ? `step ${step}` : `step ${step} of ${last}`;
    scene.say.setAttribute("aria-live", playing ? "off" : "polite");
    scene.show(k);
    const all = [film.losses, film.helds];
    const high = Math.max(0, ...all.flat().filter(Number.isFinite));
    charts.forEach((chart, i) => {
      chart.draw(film.steps, all[i], last, high, scene.number(high));
      const y = all[i][k];
      chart.show(step, y, Number.isFinite(y) ? scene.number(y, 4) : "∞");
    });
  }

  function complain(text) {
    problem.textContent = text;
  }

  function play() {
    complain("");
    ask("play");
  }

  function restart() {
    complain("");
    ask("restart");
  }

  function showPlaying(now) {
    playing = now;
    frame.dataset.playing = now;
    shell.draw(toPlay, now ? "pause" : "play", now ? "pause" : "play");
  }

  function onMessage(content, buffers) {
    clearTimeout(timer);
    if (content.story) begin(content.story);
    if (content.settings) showSettings(content.settings);
    if ("playing" in content) showPlaying(content.playing);
    if (content.error) complain(content.error);
    if (content.frame) {
      const { buffer, byteOffset, byteLength } = buffers[0];
      receive(content.frame, new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)));
    }
  }

  shell.onKeys((key) => {
    if (key === " " && shell.focused() === frame) {
      toPlay.click();
      return true;
    }
    if (key === "ArrowRight") ask("step");
    else if (key === "Home") toRestart.click();
    else return Boolean(scene) && scene.onKey(key);
    return true;
  });
  model.on("msg:custom", onMessage);
  speed.value = 1;
  showSettings(story.settings);
  shell.ready();
  ask("hello");
  return () => {
    model.off("msg:custom", onMessage);
    if (playing) ask("pause");
    clearTimeout(timer);
    if (scene) scene.end();
  };
}
