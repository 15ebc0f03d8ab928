// The frame of a page that shows itself in `host`: a shadow root, out of reach for the styles of the
// page around. Whatever text comes from the user is set as text, never as markup.
function microgradShell(host, css, label) {
  "use strict";
  const shadow = host.attachShadow({ mode: "open" });
  host.dataset.shown = "";
  const own = { all: "initial", display: "block", margin: "4px 0" };
  for (const [name, value] of Object.entries(own)) host.style.setProperty(name, value, "important");
  add(shadow, "style", {}, css);
  const still = add(shadow, "slot"); // what stands in the host shows until all the rest has worked
  const frame = add(shadow, "div", { class: "frame", role: "group", tabindex: 0 });
  frame.setAttribute("aria-label", label);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  function add(parent, tag, attributes = {}, text = "") {
    const space = tag === "svg" ? "http://www.w3.org/2000/svg" : parent.namespaceURI;
    const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
    parent.append(made);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== "") made.textContent = text;
    return made;
  }

  // A function that writes what is new, and leaves alone what is there already.
  function writer(write) {
    let old;
    return (now) => {
      if (now === old) return;
      old = now;
      write(now);
    };
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

  function button(parent, name, title, action) {
    const made = add(parent, "button", { type: "button", class: name });
    const icon = add(made, "svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
    add(icon, "path", { d: ICONS[name] });
    made.addEventListener("click", action);
    entitle(made, title);
    return made;
  }

  function draw(button, icon, title) {
    button.querySelector("path").setAttribute("d", ICONS[icon]);
    entitle(button, title);
  }

  function entitle(control, title) {
    control.title = title;
    control.setAttribute("aria-label", title);
  }

  function toggle(parent, name, text, title, action) {
    const made = add(parent, "button", { type: "button", class: name }, text);
    made.title = title;
    made.addEventListener("click", action);
    return made;
  }

  // Controls that go through the steps from 0 to `last`: `show` shows one, `says` says which one it
  // is, `time` is how many milliseconds it stays while they play, which ends where one `stops` it.
  function transport(bar, { last, show, says, time, stops = () => false }) {
    const SPEEDS = { slow: 0.5, normal: 1, fast: 2, "very fast": 5 };
    let at = 0;
    let timer = null;
    const keys = add(bar, "div", { class: "keys" });
    const toFirst = button(keys, "first", "first step (Home)", () => go(0));
    const toBack = button(keys, "back", "one step back (←)", () => go(at - 1));
    const toPlay = button(keys, "play", "play", () => (timer ? pause() : play()));
    const toForward = button(keys, "forward", "one step forward (→)", () => go(at + 1));
    const toLast = button(keys, "last", "last step (End)", () => go(last));
    const slider = add(bar, "input", { class: "slider", type: "range", max: last });
    slider.setAttribute("aria-label", "step");
    slider.addEventListener("input", () => go(Number(slider.value)));
    const count = add(bar, "span", { class: "count" });
    const speed = add(bar, "select", { "aria-label": "speed" });
    for (const [name, factor] of Object.entries(SPEEDS))
      add(speed, "option", { value: factor }, name);
    speed.value = SPEEDS.normal;

    function move(k) {
      at = Math.max(0, Math.min(last, k));
      slider.value = at;
      slider.setAttribute("aria-valuetext", says(at).replace("/", "of"));
      count.textContent = says(at);
      for (const b of [toFirst, toBack]) b.setAttribute("aria-disabled", at === 0);
      for (const b of [toLast, toForward]) b.setAttribute("aria-disabled", at === last);
      show(at);
    }

    function go(k) {
      pause();
      move(k);
    }

    function play() {
      if (at === last) move(0);
      draw(toPlay, "pause", "pause");
      wait();
    }

    function wait() {
      const goesOn = () => at < last && !stops(at);
      timer = setTimeout(
        () => {
          if (goesOn()) move(at + 1);
          if (goesOn()) wait();
          else pause();
        },
        time(at) / Number(speed.value),
      );
    }

    function pause() {
      clearTimeout(timer);
      timer = null;
      draw(toPlay, "play", "play");
    }

    function onKey(key) {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[key];
      if (to === undefined) return false;
      go(to);
      return true;
    }

    const playing = () => timer !== null;
    return { slider, toForward, go, play, pause, playing, onKey };
  }

  // The theme is that of the page around: pale letters stand on a dark one.

  function showTheme() {
    const ink = getComputedStyle(host.parentElement || document.body).color;
    const [r, g, b] = (ink.match(/[\d.]+/g) || []).map(Number);
    frame.dataset.theme = r + g + b > 384 ? "dark" : "light";
  }

  // A notebook listens for keys too, above this element and before it: while the focus is in here,
  // keys are taken on their way down, and only those with Ctrl, Alt or the like are left to it.
  function onKeys(action) {
    function onKey(event) {
      const path = event.composedPath();
      const { key } = event;
      const modified = event.ctrlKey || event.metaKey || event.altKey;
      const leaving = key === "Tab" || key === "Escape" || (key === "Enter" && event.shiftKey);
      if (modified || leaving || !path.includes(host)) return;
      event.stopPropagation();
      const [target] = path;
      const editing = target.tagName === "SELECT" || (target.type === "text" && target.value);
      if (!editing && action(key)) event.preventDefault();
    }
    host.addEventListener("focusin", () => window.addEventListener("keydown", onKey, true));
    host.addEventListener("focusout", () => window.removeEventListener("keydown", onKey, true));
  }

  // Called when all is there: the still goes.
  function ready() {
    showTheme();
    host.addEventListener("pointerenter", showTheme);
    host.addEventListener("focusin", showTheme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
    still.remove();
    host.replaceChildren();
  }

  const focused = () => shadow.activeElement;
  return { frame, add, writer, button, draw, toggle, transport, onKeys, ready, calm, focused };
}
