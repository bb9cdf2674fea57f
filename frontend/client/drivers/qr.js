/**
 * A QR code of a text: bytes, error correction M, versions 1 to 20 (up to 666 bytes).
 *
 * Facts: ISO/IEC 18004:2015, its tables 1 and 9 and its annexes C, D and E.
 */

import { MASKS, draw, penalty } from './qr_matrix.js';

const SVG = 'http://www.w3.org/2000/svg';
const QUIET = 4; // modules around the code
const VERSION_MAX = 20;

/** Table 9, level M, by version: codewords of correction in a block, and blocks. */
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

/**
 * The code as a picture with a name.
 *
 * @param {string} text
 * @param {string} label
 * @returns {HTMLElement}
 */
export function drawQr(text, label) {
  const rows = encodeQr(text);
  const size = rows.length + 2 * QUIET;
  const dark = rows.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])),
  );
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('viewBox', `0 0 ${size} ${size}`);
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', label);
  for (const [d, fill] of [
    [`M0 0h${size}v${size}h-${size}z`, '#fff'],
    [dark.join(''), '#000'],
  ]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    path.setAttribute('fill', fill);
    picture.append(path);
  }
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = label;
  figure.append(picture, caption);
  return figure;
}

/**
 * Rows of modules, true for dark. Raises `RangeError` for a text that is too long.
 *
 * @param {string} text
 * @param {number} [mask] the one with the fewest traps for a camera, unless told
 * @returns {boolean[][]}
 */
export function encodeQr(text, mask) {
  const bytes = new TextEncoder().encode(text);
  const version = versionFor(bytes.length);
  const codewords = interleaved(packed(bytes, version), version);
  const masks = mask === undefined ? [...MASKS.keys()] : [mask];
  const drawn = masks.map((each) => draw(codewords, version, each));
  return drawn.reduce((best, rows) => (penalty(rows) < penalty(best) ? rows : best));
}

/** @param {number} length */
function versionFor(length) {
  for (let version = 1; version <= VERSION_MAX; version += 1) {
    const room = capacity(version) * 8 - 4 - (version < 10 ? 8 : 16);
    if (length * 8 <= room) return version;
  }
  throw new RangeError(`a QR code of ours holds less than ${length} bytes`);
}

/** Codewords of a version: all modules that no pattern takes. @param {number} version */
function total(version) {
  const marks = version > 1 ? Math.floor(version / 7) + 2 : 0;
  const alignment = marks ? (25 * marks - 10) * marks - 55 : 0;
  const bits = (16 * version + 128) * version + 64 - alignment - (version >= 7 ? 36 : 0);
  return Math.floor(bits / 8);
}

/** @param {number} version */
const capacity = (version) => total(version) - CORRECTION[version - 1] * BLOCKS[version - 1];

/** Mode, length, bytes, end and padding. @param {Uint8Array} bytes @param {number} version */
function packed(bytes, version) {
  let bits = '0100' + bytes.length.toString(2).padStart(version < 10 ? 8 : 16, '0');
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  const room = capacity(version) * 8;
  bits += '0'.repeat(Math.min(4, room - bits.length));
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  const data = bits.match(/.{8}/g)?.map((octet) => parseInt(octet, 2)) ?? [];
  for (let pad = 0xec; data.length < capacity(version); pad ^= 0xec ^ 0x11) data.push(pad);
  return data;
}

/** Blocks with their correction, read across. @param {number[]} data @param {number} version */
function interleaved(data, version) {
  const count = BLOCKS[version - 1];
  const short = Math.floor(data.length / count);
  const shortOnes = count - (data.length % count);
  const divisor = generator(CORRECTION[version - 1]);
  let at = 0;
  const blocks = Array.from({ length: count }, (_, index) => {
    const block = data.slice(at, (at += short + (index < shortOnes ? 0 : 1)));
    return { block, correction: remainder(block, divisor) };
  });
  const across = (/** @type {number[][]} */ rows) =>
    Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, column) =>
      rows.flatMap((row) => (column < row.length ? [row[column]] : [])),
    ).flat();
  return [
    ...across(blocks.map(({ block }) => block)),
    ...across(blocks.map(({ correction }) => correction)),
  ];
}

/** A product in the field of 256 elements. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

/** @param {number} degree */
function generator(degree) {
  const coefficients = [...Array(degree - 1).fill(0), 1];
  for (let root = 1, step = 0; step < degree; step += 1, root = times(root, 2)) {
    for (let at = 0; at < degree; at += 1) {
      coefficients[at] = times(coefficients[at], root) ^ (coefficients[at + 1] ?? 0);
    }
  }
  return coefficients;
}

/** @param {number[]} block @param {number[]} divisor */
function remainder(block, divisor) {
  const rest = divisor.map(() => 0);
  for (const byte of block) {
    const factor = byte ^ /** @type {number} */ (rest.shift());
    rest.push(0);
    divisor.forEach((coefficient, at) => (rest[at] ^= times(coefficient, factor)));
  }
  return rest;
}
