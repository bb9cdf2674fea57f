/** Where the modules of a QR code go, and which of them are dark. */

const FORMAT_M = 0; // the two bits of error correction M

/** Which modules a mask turns over. @type {((x: number, y: number) => boolean)[]} */
export const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** @typedef {(boolean | undefined)[][]} Rows undefined where nothing is drawn yet */

/**
 * @param {number[]} codewords
 * @param {number} version
 * @param {number} mask
 * @returns {boolean[][]}
 */
export function draw(codewords, version, mask) {
  const size = 17 + 4 * version;
  /** @type {Rows} */
  const rows = Array.from({ length: size }, () => Array(size).fill(undefined));
  drawFinders(rows);
  drawAlignment(rows, version);
  drawTiming(rows);
  drawFormat(rows, mask);
  if (version >= 7) drawVersion(rows, version);
  drawCodewords(rows, codewords, mask);
  return /** @type {boolean[][]} */ (rows);
}

/** Three corners, each with its light border. @param {Rows} rows */
function drawFinders(rows) {
  const far = rows.length - 4;
  for (const [left, top] of [
    [3, 3],
    [far, 3],
    [3, far],
  ]) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        const row = rows[top + dy];
        if (row && left + dx >= 0 && left + dx < rows.length)
          row[left + dx] = ring !== 2 && ring !== 4;
      }
    }
  }
}

/** @param {Rows} rows @param {number} version */
function drawAlignment(rows, version) {
  if (version === 1) return;
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((rows.length - 13) / (count * 2 - 2)) * 2;
  const last = rows.length - 7;
  const places = [6, ...Array.from({ length: count - 1 }, (_, index) => last - index * step)];
  for (const top of places) {
    for (const left of places) {
      if (rows[top][left] !== undefined) continue; // a corner is there
      for (let dy = -2; dy <= 2; dy += 1) {
        for (let dx = -2; dx <= 2; dx += 1) {
          rows[top + dy][left + dx] = Math.max(Math.abs(dx), Math.abs(dy)) !== 1;
        }
      }
    }
  }
}

/** @param {Rows} rows */
function drawTiming(rows) {
  for (let at = 8; at < rows.length - 8; at += 1) {
    rows[6][at] = at % 2 === 0;
    rows[at][6] = at % 2 === 0;
  }
}

/** Which correction and which mask, twice. @param {Rows} rows @param {number} mask */
function drawFormat(rows, mask) {
  const told = (FORMAT_M << 3) | mask;
  const bits = ((told << 10) | checked(told, 10, 0x537)) ^ 0x5412;
  const last = rows.length - 1;
  for (let at = 0; at < 15; at += 1) {
    const isDark = ((bits >> at) & 1) === 1;
    const down = at < 6 ? at : at < 8 ? at + 1 : last - 14 + at;
    const across = at < 8 ? last - at : at < 9 ? 7 : 14 - at;
    rows[down][8] = isDark;
    rows[8][across] = isDark;
  }
  rows[last - 7][8] = true;
}

/** @param {Rows} rows @param {number} version */
function drawVersion(rows, version) {
  const bits = (version << 12) | checked(version, 12, 0x1f25);
  for (let at = 0; at < 18; at += 1) {
    const isDark = ((bits >> at) & 1) === 1;
    const near = Math.floor(at / 3);
    const far = rows.length - 11 + (at % 3);
    rows[near][far] = isDark;
    rows[far][near] = isDark;
  }
}

/**
 * The check bits of a BCH code.
 *
 * @param {number} value
 * @param {number} length
 * @param {number} divisor
 */
function checked(value, length, divisor) {
  let rest = value;
  for (let step = 0; step < length; step += 1)
    rest = (rest << 1) ^ ((rest >> (length - 1)) * divisor);
  return rest;
}

/**
 * In pairs of columns from the right, up and down.
 *
 * @param {Rows} rows
 * @param {number[]} codewords
 * @param {number} mask
 */
function drawCodewords(rows, codewords, mask) {
  const size = rows.length;
  let bit = 0;
  let isUpward = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5; // the timing pattern's column
    for (let step = 0; step < size; step += 1) {
      const y = isUpward ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (rows[y][x] !== undefined) continue;
        const isDark = (((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
        rows[y][x] = isDark !== MASKS[mask](x, y);
        bit += 1;
      }
    }
    isUpward = !isUpward;
  }
}

/** What is hard to read: long runs, squares of one colour. @param {boolean[][]} rows */
export function penalty(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  let found = 0;
  for (const line of [...rows, ...columns]) {
    let run = 0;
    line.forEach((isDark, at) => {
      run = isDark === line[at - 1] ? run + 1 : 1;
      if (run >= 5) found += run === 5 ? 3 : 1;
    });
  }
  for (let y = 1; y < rows.length; y += 1) {
    for (let x = 1; x < rows.length; x += 1) {
      const square = [rows[y][x], rows[y][x - 1], rows[y - 1][x], rows[y - 1][x - 1]];
      if (new Set(square).size === 1) found += 3;
    }
  }
  return found;
}
