// Shows the film of a story (see page.py) in `host`.
async function microgradFilm(host, css, story) {
  "use strict";
  const frames = await microgradRows(story.weights, story.steps.length);
  const losses = microgradFloats(story.losses[1]);
  const lossAt = new Map(story.losses[0].map((step, i) => [step, losses[i]]));
  const { steps } = story;
  const last = steps.length - 1;
  const shell = microgradShell(host, css, story.title);
  const { frame, add } = shell;
  const film = {
    ...story,
    frames,
    points: microgradFloats(story.points),
    loss: (k) => lossAt.get(steps[k]),
  };
  const SECONDS = 9; // of all frames, at normal speed
  let controls = null;
  if (last > 0) {
    const bar = add(frame, "div", { class: "bar" });
    controls = shell.transport(bar, {
      last,
      show: arrive,
      says: (k) => `step ${steps[k]} / ${steps[last]}`,
      time: () => Math.max(33, Math.min(400, (1000 * SECONDS) / steps.length)),
    });
  }
  const scene = microgradScene(shell, film);
  const charts = last > 0 ? drawnCharts() : [];

  function drawnCharts() {
    const both = add(scene.view, "div", { class: "charts" });
    const find = (step) => {
      const far = steps.map((s) => Math.abs(s - step));
      controls.go(far.indexOf(Math.min(...far)));
    };
    const rights = frames.map(scene.count);
    const high = losses.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0);
    const n = story.classes.length;
    const made = [];
    if (losses.length) {
      const name = story.batches ? "loss of the batch" : "loss";
      const chart = microgradChart(shell, both, "loss", name, find);
      chart.draw(story.losses[0], [...losses], steps[last], high, scene.number(high));
      made.push((k) => {
        const loss = film.loss(k);
        chart.show(steps[k], loss, loss === undefined ? "" : scene.number(loss, 4));
      });
    }
    const chart = microgradChart(shell, both, "rights", "right", find);
    chart.draw(steps, rights, steps[last], n, `${n}`);
    made.push((k) => chart.show(steps[k], rights[k], `${rights[k]} of ${n}`));
    return made;
  }

  function arrive(k) {
    scene.say.setAttribute("aria-live", controls?.playing() ? "off" : "polite");
    scene.show(k);
    for (const show of charts) show(k);
  }

  shell.onKeys((key) => {
    if (key === " " && controls && shell.focused() === frame) {
      if (controls.playing()) controls.pause();
      else controls.play();
      return true;
    }
    return scene.onKey(key) || Boolean(controls && controls.onKey(key));
  });
  scene.measure();
  if (controls) controls.go(last);
  else arrive(0);
  shell.ready();
  scene.begin();
}
