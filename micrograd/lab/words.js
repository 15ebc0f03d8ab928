// What the player says of a graph, word for word as words.py does.
const microgradWords = (function () {
  "use strict";
  const DIGITS = 4; // significant ones
  const LONGEST_NAME = 24; // letters
  const MOST_NAMES = 6; // listed in one sentence
  const NUDGE = 0.001;

  // A number as Python prints it with that many significant digits: of two that are as near, the one
  // that ends in an even digit.
  function general(x, digits) {
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
    if (x === 0) return "0";
    const [all, scale] = x.toExponential(60).split("e");
    const size = digits + (x < 0) + (digits > 1);
    const even = /[02468]\.?$/.test(all.slice(0, size)) && /^\.?50*$/.test(all.slice(size));
    const [mantissa, exponent] = even
      ? [all.slice(0, size), scale]
      : x.toExponential(digits - 1).split("e");
    const bare = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    return exponent >= -4 && exponent < digits ? placed(bare, Number(exponent)) : `${bare}${tail(exponent)}`;
  }

  const tail = (exponent) => `e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;

  // "1.25" with its point moved: 125 for 2, 0.0125 for -2.
  function placed(mantissa, exponent) {
    const minus = mantissa.startsWith("-") ? "-" : "";
    const digits = mantissa.replace(/[-.]/g, "");
    if (exponent < 0) return `${minus}0.${"0".repeat(-exponent - 1)}${digits}`;
    const whole = digits.padEnd(exponent + 1, "0");
    const rest = whole.slice(exponent + 1);
    return minus + whole.slice(0, exponent + 1) + (rest && `.${rest}`);
  }

  function number(x) {
    const whole = Math.abs(x) < 1e6 ? Math.abs(x).toFixed(0).length : 0;
    return general(x, Math.max(DIGITS, whole)).replaceAll("-", "−");
  }

  // All digits of a number, as Python's repr.
  function exact(x) {
    if (!Number.isFinite(x)) return general(x, DIGITS);
    if (x === 0) return Object.is(x, -0) ? "-0.0" : "0.0";
    const [mantissa, exponent] = x.toExponential().split("e");
    if (exponent < -4 || exponent >= 16) return mantissa + tail(exponent);
    const text = placed(mantissa, Number(exponent));
    return text.includes(".") ? text : `${text}.0`;
  }

  const shown = (x) => Number(number(x).replaceAll("−", "-").replace("inf", "Infinity"));
  const equals = (result, exactly) => (number(result) === number(exactly) ? "=" : "≈");

  function same(x, y) {
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y);
    if (x === y) return true;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
    return Math.abs(x - y) <= Math.max(1e-9 * Math.max(Math.abs(x), Math.abs(y)), 1e-12);
  }

  function bracketed(text) {
    const plain = /^([\p{L}\p{N}_.…#⁽⁾]|(?<=[₀-₉]),)+(e[+−]\d+)?$/u;
    return plain.test(text) ? text : `(${text})`;
  }

  function shortened(text) {
    const letters = [...text]; // of which some are two of the text's units
    return letters.length <= LONGEST_NAME ? text : `${letters.slice(0, LONGEST_NAME - 1).join("")}…`;
  }

  const symbol = (op) => (op === "-" ? "−" : shortened(op));
  const filled = (text, values) => text.replace(/\{(\w)\}/g, (_, key) => values[key]);

  function names(nodes) {
    const labels = nodes.map((n) => (n.constant ? number(n.data) : shortened(n.label)));
    const taken = new Set(labels);
    let i = 0;
    const fresh = () => {
      do i += 1;
      while (taken.has(`v${i}`));
      return `v${i}`;
    };
    return labels.map((text) => text || fresh());
  }

  // The local derivative times the upstream gradient, in numbers.
  const factors = (flow) => `${number(flow.local)} × ${bracketed(number(flow.upstream))}`;
  const sign = (flow) => equals(flow.added, shown(flow.local) * shown(flow.upstream));
  const short = (flow) => [factors(flow), `${sign(flow)} ${number(flow.added)}`];

  // The words for an operation with a constant exponent.
  function ofPower(node) {
    const exponent = node.op.slice(2);
    if (!/^-?\d+(\.\d+)?$/.test(exponent)) return null;
    const less = `{a}**${general(node.exponent - 1, 6)}`;
    const slope = `${exponent}·${node.exponent === 2 ? "{a}" : less}`;
    return { notation: `{a}**${exponent}`, words: [slope.replaceAll("-", "−")] };
  }

  const rule = (node) => ("exponent" in node ? ofPower(node) : node.row);

  function teller(nodes) {
    const called = names(nodes);

    function expression(node, operands, times) {
      const known = rule(node);
      if (!known || !known.notation) return `${symbol(node.op)}(${operands.join(", ")})`;
      const xs = operands.map(bracketed);
      const text = known.notation.replaceAll("·", times);
      const made = filled(text, { a: xs[0], b: xs[xs.length - 1] });
      return made.replace(/^\((−[\p{L}\p{N}_.]+)\)(?!\*\*)/u, "$1");
    }

    function definition(i) {
      const operands = nodes[i].children.map((c) => called[c]);
      return `${called[i]} = ${expression(nodes[i], operands, "·")}`;
    }

    // The local derivative as calculus writes it.
    function slope(flow) {
      const known = rule(nodes[flow.parent]);
      if (!known) return "local derivative";
      const xs = nodes[flow.parent].children.map((c) => bracketed(called[c]));
      const y = bracketed(called[flow.parent]);
      return filled(known.words[flow.operand], { a: xs[0], b: xs[xs.length - 1], y });
    }

    function told(flow) {
      const reason = `${slope(flow)} × upstream = ${factors(flow)} ${sign(flow)} `;
      const line = `${called[flow.child]} gets ${reason}${number(flow.added)}`;
      if (!flow.before) return line;
      const total = `${number(flow.before)} + ${bracketed(number(flow.added))}`;
      const equal = equals(flow.after, shown(flow.before) + shown(flow.added));
      return `${line}, added to what ${called[flow.child]} had: ${total} ${equal} ${number(flow.after)}`;
    }

    const lines = {
      start({ node }) {
        if (!nodes[node].children.length)
          return [`${called[node]} is a given number; nothing was computed.`];
        const leaves = called.filter((_, i) => !nodes[i].children.length);
        const given = leaves.length <= MOST_NAMES ? leaves.join(", ") : `${leaves.length} numbers`;
        return [`${called[node]} is computed from ${given}. Step forward to see how.`];
      },
      forward({ node: i }) {
        const node = nodes[i];
        const xs = node.children.map((c) => nodes[c].data);
        const calculation = expression(node, xs.map(number), " × ");
        const equal = rule(node) ? equals(node.data, node.compute(...xs.map(shown))) : "=";
        return [`${definition(i)} = ${calculation} ${equal} ${number(node.data)}`];
      },
      seed({ node }) {
        return [`Backward starts at ${called[node]}: its own gradient is 1, all others are still 0.`];
      },
      backward({ node, flows }) {
        const upstream = number(flows[0].upstream);
        const head = `${definition(node)}. Its gradient ${upstream} is the upstream.`;
        return [head, ...flows.map(told)];
      },
      end({ node, grads }) {
        const root = called[node];
        const leaves = [...nodes.keys()].filter((i) => !nodes[i].children.length && !nodes[i].constant);
        if (!leaves.length) return [`Done. All that ${root} was computed from is constant.`];
        const size = (i) => Math.abs(grads[i]);
        const steepest = leaves.reduce((best, i) => (size(i) > size(best) ? i : best));
        const change = number(grads[steepest] * NUDGE);
        return [
          `Done. A gradient tells how ${root} reacts: ` +
            `add ${NUDGE} to ${called[steepest]}, and ${root} changes by about ${change}.`,
        ];
      },
    };
    return { names: called, lines: (step) => lines[step.kind](step) };
  }

  return { number, exact, short, symbol, same, teller };
})();
