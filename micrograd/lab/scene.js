// The story of a graph for the player, as page.py tells it: what there is to see, and where. It stands in
// columns, each node behind all that it was computed from; see layered.py and player/scene.py.
function microgradStory(nodes, { lengths, functions, most, font }) {
  const { ROW, PADDING, MARGIN, OP_HEIGHT, OP_GAP, PLATE_HEIGHT, NODE_GAP, COLUMN_GAP, SWEEPS } = lengths;
  const { NAME_SIZE, TEXT_SIZE, PLATE_SIZE, SHORT } = lengths;
  const { number, exact, short, symbol, teller } = microgradWords;
  const LANE = 6; // height of a line's place among boxes
  const NARROW = 10; // less than its column, on one side
  const pen = document.createElement("canvas").getContext("2d");
  const steps = microgradSteps(nodes);
  const { names, lines } = teller(nodes);
  const flows = steps.flatMap((step) => step.flows);

  // Sizes

  function textWidth(text, size, weight = 400) {
    pen.font = `${weight} ${size}px ${font}`;
    return pen.measureText(text).width;
  }

  function boxWidths() {
    const shown = [...nodes.map((n) => n.data), ...steps.flatMap((s) => Object.values(s.grads))];
    const widest = Math.max(...shown.map((x) => textWidth(number(x), TEXT_SIZE, 600)));
    const row = textWidth("grad", TEXT_SIZE) + 10 + widest;
    const named = names.map((name) => textWidth(name, NAME_SIZE, 600));
    return nodes.map((n, i) => 2 * PADDING + Math.max(n.constant ? 0 : row, named[i]));
  }

  const opWidth = (node) => Math.max(OP_HEIGHT, 16 + textWidth(symbol(node.op), TEXT_SIZE));
  const plateWidth = (flow) =>
    12 + Math.max(...short(flow).map((line) => textWidth(line, PLATE_SIZE, 600)));

  // Places: nodes and plates are points of one graph, each behind what leads to it

  function placed() {
    const [points, edges] = [[], []];
    const into = nodes.map(() => []);
    for (const flow of flows) into[flow.parent].push(flow);
    for (const [i, node] of nodes.entries()) {
      for (const flow of into[i]) {
        edges.push([nodes[flow.child].point, points.length]);
        flow.point = points.length;
        points.push({ w: plateWidth(flow), h: PLATE_HEIGHT });
      }
      node.point = points.length;
      points.push({ w: widths[i] + ops[i] + (ops[i] && OP_GAP), h: heights[i] });
      for (const flow of into[i]) edges.push([flow.point, node.point]);
    }
    return layered(points, edges);
  }

  function layered(points, edges) {
    const [after, before] = [points.map(() => []), points.map(() => [])];
    for (const [i, j] of edges) {
      after[i].push(j);
      before[j].push(i);
    }
    const columns = inColumns(points, after, before);
    const near = points.map((_, i) => [...after[i], ...before[i]]);
    const ways = led(points, edges, columns, near);
    for (const point of points) point.y = 0;
    for (let sweep = 0; sweep < SWEEPS; sweep++)
      for (const column of sweep % 2 ? [...columns].reverse() : columns) {
        for (const i of column)
          points[i].wish = near[i].reduce((y, j) => y + points[j].y, 0) / Math.max(near[i].length, 1);
        column.sort((i, j) => points[i].wish - points[j].wish);
        stack(column.map((i) => points[i]));
      }
    const top = Math.min(...points.map((p) => p.y - p.h / 2));
    let x = MARGIN;
    for (const column of columns) {
      const wide = Math.max(...column.map((i) => points[i].w));
      for (const i of column) {
        if (points[i].passes) points[i].w = wide;
        Object.assign(points[i], { x: x + (wide - points[i].w) / 2, left: x, right: x + wide });
      }
      x += wide + COLUMN_GAP;
    }
    for (const p of points) p.y += MARGIN - top - p.h / 2;
    const bottom = Math.max(...points.map((p) => p.y + p.h));
    return { points, ways, size: [x - COLUMN_GAP + MARGIN, bottom + MARGIN].map(Math.round) };
  }

  // Where an edge goes past columns, it gets a place in each of them: no line runs behind a box.
  function led(points, edges, columns, near) {
    const column = new Map(columns.flatMap((all, k) => all.map((i) => [i, k])));
    const ways = new Map();
    for (const [i, j] of edges) {
      let from = i;
      for (let k = column.get(i) + 1; k < column.get(j); k++) {
        const here = points.push({ w: 0, h: LANE, passes: true }) - 1;
        columns[k].push(here);
        near.push([from]);
        near[from].push(here);
        from = here;
        ways.set(j, [...(ways.get(j) || []), points[here]]);
      }
      if (from !== i) near[from].push(j);
    }
    return ways;
  }

  function inColumns(points, after, before) {
    const column = points.map(() => 0);
    for (const i of points.keys())
      column[i] = before[i].reduce((k, j) => Math.max(k, column[j] + 1), 0);
    for (const i of [...points.keys()].reverse())
      if (after[i].length && before[i].length < 2)
        column[i] = Math.min(...after[i].map((j) => column[j])) - 1;
    const found = new Map();
    for (const [i, k] of column.entries()) found.set(k, [...(found.get(k) || []), i]);
    return [...found.keys()].sort((j, k) => j - k).map((k) => found.get(k));
  }

  // Heights for the points of a column, in this order, as near as can be to the wanted ones.
  function stack(column) {
    let y = 0;
    const free = column.map((p) => {
      y += p.h + NODE_GAP;
      return y - NODE_GAP - p.h / 2;
    });
    const shifts = rising(column.map((p, k) => p.wish - free[k]));
    for (const [k, p] of column.entries()) p.y = free[k] + shifts[k];
  }

  // The nearest numbers to the wishes that never fall: those that would are pooled.
  function rising(wishes) {
    const pools = [];
    for (const wish of wishes) {
      pools.push([wish, 1]);
      while (pools.length > 1 && pools[pools.length - 2][0] > pools[pools.length - 1][0]) {
        const [[a, k], [b, m]] = pools.splice(-2);
        pools.push([(a * k + b * m) / (k + m), k + m]);
      }
    }
    return pools.flatMap(([mean, n]) => Array(n).fill(mean));
  }

  // A curve from one place to another on its right, level at both ends; and a straight line.
  const bent = ([x, y], [u, v]) => [[(x + u) / 2, y], [(x + u) / 2, v], [u, v]];
  const straight = ([x, y], [u, v]) => [[(2 * x + u) / 3, y], [(x + 2 * u) / 3, v], [u, v]];
  const middle = (box) => box.y + box.h / 2;

  // One even line behind the plate; where it is long, on its way past the boxes between.
  function arrow(child, way, plate, parent) {
    const [x, y] = [child.x + child.w, middle(child)];
    const [left, right, level] = [plate.x, plate.x + plate.w, middle(plate)];
    const [end, bottom] = [parent.x, middle(parent)];
    const narrow = plate.right - right > NARROW; // beside wider ones
    if (way.length || narrow || Math.max(left - x, end - right) > SHORT) {
      const line = [[x, y]]; // which bends between columns only
      const last = () => line[line.length - 1];
      line.push(...straight(last(), [child.right, y]));
      for (const box of [...way, plate]) {
        line.push(...bent(last(), [box.left, middle(box)]));
        line.push(...straight(last(), [box.right, middle(box)]));
      }
      line.push(...bent(last(), [parent.left, bottom]));
      return [...line, ...straight(last(), [end, bottom])];
    }
    const center = (left + right) / 2;
    const [ahead, behind] = [(center - x) / 2, (end - center) / 2];
    const slopes = [(level - y) / ahead, (bottom - y) / (end - x), (bottom - level) / behind];
    const least = slopes.reduce((s, t) => (Math.abs(t) < Math.abs(s) ? t : s));
    const slope = slopes[0] * slopes[2] > 0 ? least : 0; // makes no bump
    return [
      [x, y], [x + ahead, y], [center - ahead, level - slope * ahead], [center, level],
      [center + behind, level + slope * behind], [end - behind, bottom], [end, bottom],
    ];
  }

  const rounded = (numbers) => numbers.map((x) => Math.round(10 * x) / 10);
  const widths = boxWidths();
  const heights = nodes.map((n) => (n.constant ? 1 : 3) * ROW + 2 * PADDING);
  const ops = nodes.map((n) => (n.children.length ? opWidth(n) : 0));
  const { points, ways, size } = placed();

  function node(n, i) {
    const p = points[n.point];
    const circle = [p.x, p.y + (p.h - OP_HEIGHT) / 2, ops[i], OP_HEIGHT];
    return {
      name: names[i],
      labelled: Boolean(n.label),
      constant: n.constant,
      data: number(n.data),
      exact: exact(n.data),
      box: rounded([p.x + p.w - widths[i], p.y, widths[i], p.h]),
      op: symbol(n.op),
      circle: ops[i] ? rounded(circle) : null,
    };
  }

  function flow(f) {
    const [child, plate, parent] = [nodes[f.child], f, nodes[f.parent]].map((n) => points[n.point]);
    return {
      child: f.child,
      parent: f.parent,
      added: Number.isFinite(f.added) ? f.added : null,
      text: short(f),
      plate: rounded([plate.x, plate.y, plate.w, plate.h]),
      curve: arrow(child, ways.get(f.point) || [], plate, parent).map(rounded),
    };
  }

  // The gradients that a step sets; of the last one nothing new, since all are there.
  function step(s) {
    const news = s.kind === "seed" || s.kind === "backward" ? Object.entries(s.grads) : [];
    const grads = Object.fromEntries(news.map(([i, g]) => [i, [number(g), exact(g)]]));
    return { kind: s.kind, node: s.node, lines: lines(s), grads };
  }

  return {
    title: `${names[names.length - 1]}, step by step`,
    predict: false,
    most,
    functions,
    size,
    row: ROW,
    padding: PADDING,
    nodes: nodes.map(node),
    flows: flows.map(flow),
    steps: steps.map(step),
    gradients: steps[steps.length - 1].grads,
  };
}
