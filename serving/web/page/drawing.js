// The timeline and the spectrogram.

export const COLOURS = ["#b3261e", "#2e7d32", "#6a1b9a", "#e0a100", "#1565c0", "#00838f", "#5d4037", "#616161", "#ad1457", "#827717"];
const LEFT = 40, RIGHT = 20, TOP = 10, BOTTOM = 22;

export function timeline(canvas, rows, labels, durationS) {
  const pen = canvas.getContext("2d"), { width, height } = canvas;
  const x = (second) => LEFT + (second / durationS) * (width - LEFT - RIGHT);
  const y = (share) => TOP + (1 - share) * (height - BOTTOM - TOP);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = "#eceff1";
  for (const row of rows) if (row.unsure) pen.fillRect(x(row.start), TOP, x(row.end) - x(row.start), height - BOTTOM - TOP);
  pen.font = "12px system-ui, sans-serif";
  pen.strokeStyle = "#d9e0e6";
  for (const share of [0, 0.5, 1]) {
    pen.fillStyle = "#55626f";
    pen.fillText(share.toFixed(1), 12, y(share) + 4);
    line(pen, [[LEFT, y(share)], [width - RIGHT, y(share)]]);
  }
  axis(pen, x, durationS, height);
  labels.forEach((label, number) => {
    pen.strokeStyle = COLOURS[number % COLOURS.length];
    pen.lineWidth = 2;
    const points = rows.map((row) => [x((row.start + row.end) / 2), y(row.probabilities[number])]);
    // A single window is a line over its whole length.
    if (points.length === 1) points.splice(0, 1, [x(rows[0].start), points[0][1]], [x(rows[0].end), points[0][1]]);
    line(pen, points);
  });
  pen.lineWidth = 1;
}

function axis(pen, x, durationS, height) {
  const step = [0.5, 1, 2, 5, 10, 30, 60, 300, 600].find((each) => durationS / each <= 12) ?? 1800;
  pen.fillStyle = "#55626f";
  pen.textAlign = "center";
  for (let second = 0; second <= durationS; second += step) pen.fillText(`${second} s`, x(second), height - 6);
  pen.textAlign = "start";
}

function line(pen, points) {
  pen.beginPath();
  points.forEach(([left, top], number) => (number ? pen.lineTo(left, top) : pen.moveTo(left, top)));
  pen.stroke();
}

// Levels of the lowest 8 kHz, over 70 dB, a column of pixels for each frame.
export function spectrogram(canvas, samples, rateHz) {
  const pen = canvas.getContext("2d"), { width, height } = canvas;
  const size = 2048, bins = Math.floor((8000 / rateHz) * size);
  const levels = new Float32Array(width * bins);
  let loudest = -Infinity;
  for (let column = 0; column < width; column++) {
    const centre = Math.floor(((column + 0.5) / width) * samples.length);
    const real = new Float64Array(size), imaginary = new Float64Array(size);
    for (let place = 0; place < size; place++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * place) / size);
      real[place] = window * (samples[centre - size / 2 + place] ?? 0);
    }
    transform(real, imaginary);
    for (let bin = 0; bin < bins; bin++) {
      const level = 10 * Math.log10(real[bin] ** 2 + imaginary[bin] ** 2 + 1e-12);
      levels[column * bins + bin] = level;
      loudest = Math.max(loudest, level);
    }
  }
  const image = pen.createImageData(width, height);
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < height; row++) {
      const bin = Math.floor(((height - 1 - row) / height) * bins);
      const share = Math.max(0, 1 + (levels[column * bins + bin] - loudest) / 70);
      image.data.set([255 - 235 * share ** 1.4, 255 - 190 * share, 255 - 110 * share ** 2, 255], 4 * (row * width + column));
    }
  }
  pen.putImageData(image, 0, 0);
}

// The discrete Fourier transform in place, of a length that is a power of two (Cooley & Tukey 1965).
function transform(real, imaginary) {
  const size = real.length;
  for (let place = 1, other = 0; place < size; place++) {
    let bit = size >> 1;
    for (; other & bit; bit >>= 1) other ^= bit;
    other ^= bit;
    if (place < other) {
      [real[place], real[other]] = [real[other], real[place]];
      [imaginary[place], imaginary[other]] = [imaginary[other], imaginary[place]];
    }
  }
  for (let length = 2; length <= size; length <<= 1) {
    const angle = (-2 * Math.PI) / length;
    for (let start = 0; start < size; start += length) {
      for (let k = 0; k < length / 2; k++) {
        const cos = Math.cos(angle * k), sin = Math.sin(angle * k), a = start + k, b = a + length / 2;
        const re = real[b] * cos - imaginary[b] * sin, im = real[b] * sin + imaginary[b] * cos;
        [real[b], imaginary[b]] = [real[a] - re, imaginary[a] - im];
        [real[a], imaginary[a]] = [real[a] + re, imaginary[a] + im];
      }
    }
  }
}
