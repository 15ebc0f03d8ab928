// The number that a text stands for: numbers with + - * / **, brackets and `functions`; the signs
// may be those of print. NaN for anything else.
function microgradNumber(text, functions) {
  "use strict";
  const plain = text.replace(/[−–]/g, "-").replace(/[×·]/g, "*").replace(/,/g, ".");
  const TOKEN = /\*\*|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[a-z_]\w*|\S/gi;
  const tokens = plain.length > 1000 ? [] : plain.match(TOKEN) || [];
  let at = 0;

  function take(token) {
    const found = tokens[at] === token;
    at += found;
    return found;
  }

  function sum() {
    let x = product();
    for (;;) {
      if (take("+")) x += product();
      else if (take("-")) x -= product();
      else return x;
    }
  }

  function product() {
    let x = signed();
    for (;;) {
      if (take("*")) x *= signed();
      else if (take("/")) x /= signed();
      else return x;
    }
  }

  function signed() {
    if (take("-")) return -signed();
    return take("+") ? signed() : power();
  }

  function power() {
    const base = atom();
    return take("**") ? base ** signed() : base;
  }

  function atom() {
    const token = tokens[at++] ?? "";
    if (/^[\d.]/.test(token)) return Number(token);
    const f = functions.includes(token) ? microgradFunctions[token] || Math[token] : (x) => x;
    if (token !== "(" && !(functions.includes(token) && take("("))) return NaN;
    const x = sum();
    return take(")") ? f(x) : NaN;
  }

  const x = sum();
  return at === tokens.length ? x : NaN;
}
