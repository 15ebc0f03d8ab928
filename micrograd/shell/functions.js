// The functions of floats.py that JavaScript lacks, or has by another name.
const microgradFunctions = {
  linear: (x) => x,
  relu: (x) => (x <= 0 ? 0 : x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};
