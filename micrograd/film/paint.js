// Colours as [r, g, b], and numbers on a square grid as shades and lines.
function microgradPaint(side) {
  "use strict";
  const small = document.createElement("canvas"); // where shades are made, before they are large
  small.width = small.height = side;
  const g = small.getContext("2d", { willReadFrequently: true });
  const image = g.createImageData(side, side);
  image.data.fill(255);

  function rgb(hex) {
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }

  function mixed(paper, ink, share) {
    return paper.map((p, i) => p + (ink[i] - p) * share);
  }

  // From a share of -1 to 1 to a colour, as a table: through the paper from one ink to the other.
  const STEPS = 127;
  function ramp(paper, below, above, strength) {
    const table = [];
    for (let i = -STEPS; i <= STEPS; i++)
      table.push(mixed(paper, i < 0 ? below : above, (strength * Math.abs(i)) / STEPS));
    return table;
  }

  function shade(ramp, share) {
    return ramp[Math.round(STEPS * share) + STEPS] || ramp[STEPS];
  }

  // How strong a number is shown, from -1 to 1: one of the size of `scale` at 0.63.
  function share(x, scale) {
    return Math.sign(x) * (1 - Math.exp(-Math.abs(x) / scale));
  }

  // The table of colours of a grid, drawn over all of a canvas; `colour` is a function of a place.
  function fill(canvas, colour) {
    for (let k = 0; k < side * side; k++) {
      const [r, green, b] = colour(k);
      image.data[4 * k] = r;
      image.data[4 * k + 1] = green;
      image.data[4 * k + 2] = b;
    }
    g.putImageData(image, 0, 0);
    const large = canvas.getContext("2d");
    large.imageSmoothingQuality = "high";
    large.drawImage(small, 0.5, 0.5, side - 1, side - 1, 0, 0, canvas.width, canvas.height);
  }

  // The line where the numbers of a grid pass zero, as a path in a square of `size`.
  function zeros(values, size) {
    const path = new Path2D();
    const step = size / (side - 1);
    for (let y = 0; y < side - 1; y++)
      for (let x = 0; x < side - 1; x++) {
        const k = y * side + x;
        const corners = [values[k], values[k + 1], values[k + side + 1], values[k + side]];
        const above = corners.map((v) => v > 0);
        if (above.every((a) => a === above[0])) continue;
        const crossings = [];
        for (let i = 0; i < 4; i++) {
          const [v, w] = [corners[i], corners[(i + 1) % 4]];
          if (v > 0 === w > 0) continue;
          const t = v / (v - w);
          const [dx, dy] = [[t, 0], [1, t], [1 - t, 1], [0, 1 - t]][i];
          crossings.push([(x + dx) * step, (y + dy) * step]);
        }
        for (let i = 0; i < crossings.length; i += 2) {
          path.moveTo(...crossings[i]);
          path.lineTo(...crossings[i + 1]);
        }
      }
    return path;
  }

  return { rgb, mixed, ramp, shade, share, fill, zeros };
}
