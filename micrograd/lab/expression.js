// The graph of a text such as "e = a*b; (e + c) * f", in the grammar of expression.py: read letter by
// letter, never evaluated. `numbers` are those of its names, `rows` the operations. Returns the nodes,
// children first, and the names that it needs a number for. Throws an Error that says what to write.
function microgradGraph(text, numbers, rows) {
  "use strict";
  const LONGEST = 2000;
  const MOST_NESTED = 200;
  const MOST_NODES = 300;
  const TOKEN =
    /\*\*|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[\p{L}_][\p{L}\p{M}\p{N}_]*|\r?\n|[^\S\n]+|./gu;
  const KEYWORDS = new Set(
    ("False None True and as assert async await break class continue def del elif else except " +
      "finally for from global if import in is lambda nonlocal not or pass raise return try while " +
      "with yield").split(" "),
  );
  const byName = new Map(rows.map((row) => [row.name, row]));
  const functions = new Map(rows.filter((row) => !row.notation).map((row) => [row.name, row]));
  const OPERATORS = { "+": "add", "-": "subtract", "*": "multiply", "/": "divide" };

  if (text.length > LONGEST) throw new Error(`the expression is longer than ${LONGEST} letters`);
  const tokens = scanned(text.normalize("NFKC"));
  let at = 0;
  let depth = 0;
  let count = 0;
  const names = new Map(); // what each name is now
  const needed = []; // names that were met before they were given a value

  // Lines end a statement, but not within brackets.
  function scanned(text) {
    const found = [];
    let open = 0;
    for (const [token] of text.matchAll(TOKEN)) {
      if (token === "(") open += 1;
      if (token === ")") open -= 1;
      if (/^\r?\n$/.test(token)) {
        if (open <= 0) found.push(";");
      } else if (!/^\s+$/.test(token)) found.push(token);
    }
    return found;
  }

  // What does not print is spelt out, such as a mark that turns the letters behind it around.
  function refuse(what) {
    const code = (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`;
    throw new Error(what.replace(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, code));
  }

  function take(token) {
    const found = tokens[at] === token;
    at += found;
    return found;
  }

  function isName(token) {
    return token !== undefined && /^[\p{L}_]/u.test(token);
  }

  function isNumber(token) {
    return token !== undefined && /^\.?\d/.test(token);
  }

  // Nodes

  function made(node) {
    count += 1;
    if (count > MOST_NODES) refuse(`the expression has more than ${MOST_NODES} values`);
    return { children: [], op: "", label: "", ...node };
  }

  function applied(name, ...children) {
    const row = byName.get(name);
    const compute = microgradOperations[name].value;
    const data = compute(...children.map((child) => child.data));
    return made({ row, compute, op: row.op, children, data });
  }

  function toPower(base, exponent) {
    const compute = (x) => microgradOperations.power.value(x, exponent.data);
    const [op, data] = [`**${exponent.literal}`, compute(base.data)];
    return made({ compute, exponent: exponent.data, op, children: [base], data });
  }

  function literal(token) {
    const data = Number(token);
    const whole = /^\d+$/.test(token);
    if (whole && data === Infinity) refuse("a number in the expression is too large for a float");
    return made({ data, literal: whole ? String(BigInt(token)) : microgradWords.exact(data) });
  }

  function called(name) {
    if (KEYWORDS.has(name)) refuse(`${name} cannot be the name of a number`);
    if (!names.has(name)) {
      needed.push(name);
      names.set(name, made({ data: numbers.get(name) ?? 1, label: name }));
    }
    return names.get(name);
  }

  // The grammar, from the loosest to the tightest

  function statement() {
    const [name, next] = [tokens[at], tokens[at + 1]];
    if (!isName(name) || next !== "=") return sum();
    if (KEYWORDS.has(name)) refuse(`${name} cannot be the name of a number`);
    at += 2;
    const result = sum();
    names.set(name, result);
    result.label = result.label || name;
    return result;
  }

  function sum() {
    let x = product();
    while (["+", "-"].includes(tokens[at])) x = applied(OPERATORS[tokens[at++]], x, product());
    return x;
  }

  function product() {
    let x = signed();
    while (["*", "/"].includes(tokens[at])) x = applied(OPERATORS[tokens[at++]], x, signed());
    return x;
  }

  function signed() {
    depth += 1;
    if (depth > MOST_NESTED) refuse("the expression is nested too deeply");
    const x = take("-") ? applied("negative", signed()) : take("+") ? unsigned() : raised();
    depth -= 1;
    return x;
  }

  function unsigned() {
    const x = signed();
    x.literal = ""; // +2 as an exponent is a Value, as it is in Python
    return x;
  }

  function raised() {
    const base = method();
    if (!take("**")) return base;
    const exponent = signed();
    return exponent.literal ? toPower(base, exponent) : applied("power", base, exponent);
  }

  function method() {
    let x = atom();
    while (take(".")) {
      const name = tokens[at++];
      if (!functions.has(name) || !take("(") || !take(")"))
        refuse(`after a dot there is one of ${[...functions.keys()].join(", ")} and ()`);
      x = applied(name, x);
    }
    return x;
  }

  function atom() {
    const token = tokens[at++];
    if (isNumber(token)) return literal(token);
    if (token === "(") return closed(sum());
    if (isName(token) && functions.has(token) && take("(")) {
      const x = closed(sum(), `${token}() takes one number`);
      return applied(token, x);
    }
    if (isName(token) && tokens[at] === "(")
      refuse(`there is no function ${token}; there are ${[...functions.keys()].join(", ")}`);
    if (isName(token)) return called(token);
    return refuse(
      token === undefined || token === ";"
        ? "something is missing at the end"
        : `${token} is in a place where a number or a name should be`,
    );
  }

  function closed(x, more = "a bracket is not closed") {
    if (take(")")) return x;
    if (tokens[at] === ",") refuse(more);
    return refuse(tokens[at] === undefined ? "a bracket is not closed" : surprise());
  }

  function surprise() {
    const [before, token] = [tokens[at - 1], tokens[at]];
    if (token === "^") return "a power is written **";
    if (token === "=") return "only a name can be given a value, as in e = a*b";
    const starts = isName(token) || isNumber(token) || token === "(";
    if (starts) return `for a product write ${before === ")" ? "(…)" : before}*${factor(token)}`;
    return `${token} is no part of an expression`;
  }

  // How what begins with a token may go on, in a message.
  function factor(token) {
    if (token === "(") return "(…)";
    return tokens[at + 1] === "(" ? `${token}(…)` : token;
  }

  let root = null;
  while (at < tokens.length) {
    if (take(";")) continue;
    root = statement();
    if (at < tokens.length && tokens[at] !== ";") refuse(surprise());
  }
  if (!root) refuse("type an expression, such as tanh(w*x + b)");
  return { nodes: microgradOrder(root), names: needed };
}

// `root` and all it was computed from, every node after its children, in the order of the engine; in
// each node its place among them, and for its children their places.
function microgradOrder(root) {
  "use strict";
  const [order, seen, stack] = [[], new Set(), [root]];
  while (stack.length) {
    const node = stack.pop();
    if (node === null) order.push(stack.pop());
    else if (!seen.has(node)) {
      seen.add(node);
      stack.push(node, null, ...[...node.children].reverse().filter((child) => !seen.has(child)));
    }
  }
  const place = new Map(order.map((node, i) => [node, i]));
  return order.map((node) => ({
    ...node,
    children: node.children.map((child) => place.get(child)),
    constant: !node.children.length && !node.label,
  }));
}
