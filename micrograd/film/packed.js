// What packed.py wrote.
function microgradFloats(text) {
  "use strict";
  return new Float32Array(microgradBytes(text).buffer);
}

function microgradBytes(text) {
  "use strict";
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// The rows of a table, each a Float32Array.
async function microgradRows(text, rows) {
  "use strict";
  const inflated = new DecompressionStream("deflate");
  const stream = new Blob([microgradBytes(text)]).stream().pipeThrough(inflated);
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = planes.length / 4;
  const table = Array.from({ length: rows }, () => new Int32Array(size / rows));
  for (let i = 0; i < size; ) {
    const column = i / rows;
    let [change, whole] = [0, 0];
    for (const row of table) {
      const bytes = [planes[i], planes[i + size], planes[i + 2 * size], planes[i + 3 * size]];
      const folded = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24);
      change = (change + ((folded >>> 1) ^ -(folded & 1))) | 0;
      whole = (whole + change) | 0;
      row[column] = whole < 0 ? -(2 ** 31) - whole : whole;
      i += 1;
    }
  }
  return table.map((row) => new Float32Array(row.buffer));
}
