import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeQr } from '../client/drivers/qr.js';

const LINK = 'upi://pay?pa=shop%40bank&pn=Shop&am=500.00&cu=INR';

/** By qrcode-generator 2.0.4, version 4, correction M, mask 2: its rows in hexadecimal. */
const KNOWN = `
  1fc317e7f 104e34c41 175242c5d 17522425d 175af1e5d 105c06041 1fd55557f 1913f00 17ceda47c
  e1fbf345 6e4f8c26 10aebcd2d 44151d12 1f242c267 10f27992e f1c24aae 56539592 1592062c1 d74a49dc
  5b651d54 17cd04d18 1b03393eb 12f5ce54e 11bad3d86 106c0f5f8 179e713 1fcba9752 10556db17
  1751b0df3 175ae4e3b 175638aec 104826a14 1fdd7811a
`;

/** @param {boolean[]} row */
const hex = (row) => parseInt(row.map(Number).join(''), 2).toString(16);

test('a code is the one that another program makes', () => {
  assert.equal(encodeQr(LINK, 2).map(hex).join(' '), KNOWN.replace(/\s+/g, ' ').trim());
});

test('a longer text has a larger code, up to the largest', () => {
  const sizes = [1, 14, 15, 200, 666].map((length) => encodeQr('x'.repeat(length)).length);
  assert.deepEqual(sizes, [21, 21, 25, 57, 97]);
  assert.throws(() => encodeQr('x'.repeat(667)), RangeError);
});

test('letters beyond ASCII count as the bytes that they are', () => {
  assert.equal(encodeQr('₹'.repeat(4)).length, encodeQr('x'.repeat(12)).length);
  assert.equal(encodeQr('₹'.repeat(5)).length, encodeQr('x'.repeat(15)).length);
});
