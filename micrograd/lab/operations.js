// Operations by their names in operations.py: what each computes, and what its operands get when the
// result has the gradient g. Both as in engine.py and floats.py, to the last digits.
const microgradOperations = (function () {
  "use strict";
  const sigmoid = (x) => {
    const e = Math.exp(-Math.abs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
  };

  // Python's, where 1 to any power is 1.
  function power(x, y) {
    if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
    return x ** y;
  }

  function slopeByBase(x, y) {
    if (y === 0) return 0;
    const p = power(x, y - 1);
    const inRange = Math.abs(p) > 0 && Math.abs(p) < Infinity;
    return inRange || x === 0 || !Number.isFinite(x) ? y * p : (y * power(x, y)) / x;
  }

  function slopeByExponent(x, y) {
    return x === 0 && y >= 0 ? 0 : power(x, y) * Math.log(x);
  }

  return {
    add: { value: (x, y) => x + y, back: (g) => [g, g] },
    subtract: { value: (x, y) => x - y, back: (g) => [g, -g] },
    multiply: { value: (x, y) => x * y, back: (g, x, y) => [y * g, x * g] },
    divide: { value: (x, y) => x / y, back: (g, x, y) => [g / y, -((x / y / y) * g)] },
    power: {
      value: power,
      back: (g, x, y) => [slopeByBase(x, y) * g, slopeByExponent(x, y) * g],
    },
    negative: { value: (x) => -x, back: (g) => [-g] },
    abs: { value: Math.abs, back: (g, x) => [Math.sign(x) * g] },
    relu: { value: microgradFunctions.relu, back: (g, x) => [x <= 0 ? 0 : g] },
    tanh: {
      value: Math.tanh,
      back(g, x) {
        const e = Math.exp(-2 * Math.abs(x));
        return [((4 * e) / (1 + e) ** 2) * g];
      },
    },
    sigmoid: { value: sigmoid, back: (g, x) => [sigmoid(x) * sigmoid(-x) * g] },
    softplus: {
      value: microgradFunctions.softplus,
      back: (g, x) => [sigmoid(x) * g],
    },
    exp: { value: Math.exp, back: (g, x) => [Math.exp(x) * g] },
    log: { value: Math.log, back: (g, x) => [g / x] },
    sqrt: { value: Math.sqrt, back: (g, x) => [g / (2 * Math.sqrt(x))] },
    sin: { value: Math.sin, back: (g, x) => [Math.cos(x) * g] },
    cos: { value: Math.cos, back: (g, x) => [-Math.sin(x) * g] },
  };
})();
