// Both passes through a graph, node by node, as replay.py does: the steps, each with the gradients that
// it sets and, backward, what flows from a node to its children.
function microgradSteps(nodes) {
  "use strict";
  const root = nodes.length - 1;
  const computed = [...nodes.keys()].filter((i) => nodes[i].children.length);
  const grads = nodes.map(() => 0);
  const all = () => Object.fromEntries(grads.entries());

  function shares(node, upstream) {
    const xs = node.children.map((c) => nodes[c].data);
    if ("exponent" in node)
      return microgradOperations.power.back(upstream, xs[0], node.exponent).slice(0, 1);
    return microgradOperations[node.row.name].back(upstream, ...xs);
  }

  function flowsFrom(parent) {
    const node = nodes[parent];
    const upstream = grads[parent];
    const [locals, added] = [shares(node, 1), shares(node, upstream)];
    const flows = [];
    for (const child of new Set(node.children))
      for (const [operand, c] of node.children.entries())
        if (c === child) {
          const before = grads[child];
          grads[child] += added[operand];
          const after = grads[child];
          const local = locals[operand];
          flows.push({ child, parent, operand, local, upstream, added: added[operand], before, after });
        }
    return flows;
  }

  function backward(i) {
    const flows = flowsFrom(i);
    const set = Object.fromEntries(nodes[i].children.map((c) => [c, grads[c]]));
    return { kind: "backward", node: i, grads: set, flows };
  }

  const step = (kind, node, set = {}) => ({ kind, node, grads: set, flows: [] });
  const steps = [step("start", root, all()), ...computed.map((i) => step("forward", i))];
  grads[root] = 1;
  steps.push(step("seed", root, { [root]: 1 }));
  for (const i of [...computed].reverse()) steps.push(backward(i));
  steps.push(step("end", root, all()));
  return steps;
}
