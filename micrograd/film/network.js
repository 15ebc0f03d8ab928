// A network of these sizes and activations: what each neuron says at many points, in float64.
// Weights are those of one neuron after another, and behind them its bias.
function microgradNetwork(sizes, acts) {
  "use strict";
  const starts = sizes.map((_, layer) =>
    sizes.slice(1, layer).reduce((sum, size, i) => sum + size * (sizes[i] + 1), 0),
  );

  // Where the weights of a neuron start; layers count from 1, as layer 0 are the inputs.
  function place(layer, i) {
    return starts[layer] + i * (sizes[layer - 1] + 1);
  }

  // A neuron's weighted sum at all points, from what the layer before says there.
  function sum(weights, before, layer, i) {
    const start = place(layer, i);
    const out = new Float64Array(before[0].length).fill(weights[start + before.length]);
    for (let j = 0; j < before.length; j++) {
      const [w, x] = [weights[start + j], before[j]];
      for (let k = 0; k < out.length; k++) out[k] += w * x[k];
    }
    return out;
  }

  // For each layer, for each of its neurons, what it says at all points, which are [x1s, x2s].
  function outputs(weights, points) {
    const layers = [points];
    for (let layer = 1; layer < sizes.length; layer++) {
      const before = layers[layer - 1];
      layers.push(
        acts[layer - 1].map((act, i) => {
          const out = sum(weights, before, layer, i);
          const bend = microgradFunctions[act];
          if (act !== "linear") for (let k = 0; k < out.length; k++) out[k] = bend(out[k]);
          return out;
        }),
      );
    }
    return layers;
  }

  return { sizes, acts, place, sum, outputs };
}
