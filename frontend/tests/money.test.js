import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AMOUNT_MAX, formatAmount, minorDigits, parseAmount } from '../client/money.js';

// Node 18, like browsers before 2023, reads a decimal text as a float: fine up to a lakh crore.
const isExact = new Intl.NumberFormat('en')
  .format(/** @type {any} */ ('9007199254740993'))
  .endsWith('3');
const LARGEST = isExact ? AMOUNT_MAX : 900_000_000_000_099;

/** @param {string} text */
const plain = (text) => text.replace(/[\u00a0\u202f]/g, ' ');

test('an amount is written with the digits of its currency', () => {
  assert.equal(formatAmount(50_000, 'INR', 'en-IN'), '₹500.00');
  assert.equal(formatAmount(12_345_678, 'INR', 'en-IN'), '₹1,23,456.78');
  assert.equal(plain(formatAmount(500, 'JPY', 'en')), '¥500');
  assert.equal(plain(formatAmount(1_234_567, 'KWD', 'en')), 'KWD 1,234.567');
  assert.equal(formatAmount(-5, 'USD', 'en-US'), '-$0.05');
  assert.equal(formatAmount(0, 'INR', 'hi'), '₹0.00');
  assert.equal(plain(formatAmount(123_456, 'EUR', 'de')), '1.234,56 €');
});

test('the API says how many digits, whatever the browser thinks', () => {
  assert.equal(minorDigits('HUF'), 2);
  assert.equal(plain(formatAmount(150_000, 'HUF', 'en')), 'HUF 1,500.00');
});

test('the largest amount loses no paisa on its way to the eye', () => {
  const paise = String(LARGEST - 1).slice(-2);
  assert.ok(formatAmount(LARGEST - 1, 'INR', 'en-US').endsWith(`.${paise}`));
});

test('what people type becomes minor units', () => {
  for (const [text, currency, locale, amount] of [
    ['500', 'INR', 'en-IN', 50_000],
    ['1,234.50', 'INR', 'en-IN', 123_450],
    ['1,23,456.7', 'INR', 'en-IN', 12_345_670],
    [' ₹ 500 ', 'INR', 'en-IN', 50_000],
    ['Rs. 500', 'INR', 'en-IN', 50_000],
    ['inr 500', 'INR', 'en-IN', 50_000],
    ['500 रुपये', 'INR', 'hi', 50_000],
    ['५००.५०', 'INR', 'hi', 50_050],
    ['５００', 'JPY', 'ja', 500],
    ['1.234,5', 'EUR', 'de', 123_450],
    ['1 234,5', 'EUR', 'fr', 123_450],
    ['1’234.50', 'CHF', 'de-CH', 123_450],
    ['0.001', 'KWD', 'en', 1],
    ['500.', 'INR', 'en-IN', 50_000],
    ['0.29', 'INR', 'en', 29],
    ['90000000000000', 'INR', 'en', AMOUNT_MAX],
  ]) {
    assert.equal(parseAmount(String(text), String(currency), String(locale)), amount, String(text));
  }
});

test('what is not one clear amount is nothing', () => {
  for (const [text, currency, locale] of [
    ['', 'INR', 'en-IN'],
    ['0', 'INR', 'en-IN'],
    ['-5', 'INR', 'en-IN'],
    ['abc', 'INR', 'en-IN'],
    ['5a0', 'INR', 'en-IN'],
    ['5 0', 'INR', 'en-IN'],
    ['1,50', 'INR', 'en-IN'],
    ['1.2.3', 'INR', 'en-IN'],
    ['1.234', 'INR', 'en-IN'],
    ['1e5', 'INR', 'en-IN'],
    ['$5', 'INR', 'en-IN'],
    ['5.5', 'JPY', 'en'],
    ['1.50', 'EUR', 'de'],
    [',500', 'INR', 'en-IN'],
    ['Infinity', 'INR', 'en'],
    ['90000000000000.01', 'INR', 'en'],
    ['9'.repeat(400), 'INR', 'en'],
  ]) {
    assert.equal(parseAmount(text, currency, locale), null, text);
  }
});

test('what is written can be typed again', () => {
  for (const currency of ['INR', 'JPY', 'KWD', 'USD', 'HUF']) {
    for (const locale of ['en-IN', 'hi-IN', 'de', 'fr', 'ja']) {
      for (const amount of [1, 99, 100, 12_345_678, LARGEST]) {
        const written = formatAmount(amount, currency, locale);
        assert.equal(parseAmount(written, currency, locale), amount, `${locale}: ${written}`);
      }
    }
  }
});
