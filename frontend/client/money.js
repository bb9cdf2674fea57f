/** Amounts: whole numbers of minor units inside, what people write and read outside. No floats. */

import { MINOR_DIGITS } from './api.js';

/** The API's largest amount: below 2**53, so that no number here loses a paisa. */
export const AMOUNT_MAX = 9_000_000_000_000_000;

/**
 * How many digits the minor unit has: 2 for INR, 0 for JPY, 3 for KWD. It is the API's word: a
 * browser's own data say 0 for IDR and HUF, where the API counts hundredths.
 *
 * @param {string} currency
 */
export const minorDigits = (currency) => MINOR_DIGITS[currency] ?? 2;

/**
 * An amount as people of a language write it: `formatAmount(50000, 'INR', 'en-IN')` is ₹500.00.
 *
 * @param {number} amount minor units
 * @param {string} currency
 * @param {string} [locale]
 */
export function formatAmount(amount, currency, locale) {
  const digits = minorDigits(currency);
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // A decimal text is formatted exactly where the browser knows how (2023); TypeScript does not.
  return format.format(/** @type {any} */ (toDecimal(amount, digits)));
}

/**
 * What a person typed, in minor units: `parseAmount('₹1,234.50', 'INR')` is 123450. Null for what
 * is not one clear amount above zero: `1,50` where a comma groups, a third digit of a rupee, `$5`
 * where rupees are asked for.
 *
 * @param {string} text
 * @param {string} currency
 * @param {string} [locale]
 * @returns {number | null}
 */
export function parseAmount(text, currency, locale) {
  const { point, group } = marksOf(locale);
  const plain = withoutMark(text.normalize('NFKC').replace(/’/g, "'").trim(), currency, locale);
  const typed = plain.replace(/\p{Nd}/gu, (digit) => String(digitOf(digit)));
  const [whole, fraction = '', ...more] = typed.split(point);
  const digits = minorDigits(currency);
  const isWhole = /^(\d+|\d{1,3}(,\d{2,3})*,\d{3})$/.test(whole.replaceAll(group, ','));
  if (more.length || !isWhole || !/^\d*$/.test(fraction) || fraction.length > digits) return null;
  // The digits of a whole number: exact, or beyond the largest amount.
  const amount = Number(whole.replaceAll(group, '') + fraction.padEnd(digits, '0'));
  return amount > 0 && amount <= AMOUNT_MAX ? amount : null;
}

/** @param {number} amount @param {number} digits */
function toDecimal(amount, digits) {
  const written = String(Math.abs(amount)).padStart(digits + 1, '0');
  const cut = written.length - digits;
  const sign = amount < 0 ? '-' : '';
  return `${sign}${written.slice(0, cut)}${digits ? `.${written.slice(cut)}` : ''}`;
}

/** How a language points and groups numbers. @param {string} [locale] */
function marksOf(locale) {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(1234567.5);
  /** @param {string} type @param {string} otherwise */
  const mark = (type, otherwise) =>
    (parts.find((part) => part.type === type)?.value ?? otherwise)
      .normalize('NFKC')
      .replace(/’/g, "'");
  return { point: mark('decimal', '.'), group: mark('group', ',') };
}

const RUPEES = ['Rs.', 'Rs', 'रु.', 'रु', 'रुपये', 'रूपये'];

/**
 * Without the currency's own mark, at either end.
 *
 * @param {string} text
 * @param {string} currency
 * @param {string} [locale]
 */
function withoutMark(text, currency, locale) {
  /** @param {string} currencyDisplay */
  const markOf = (currencyDisplay) => {
    const options = /** @type {any} */ ({ style: 'currency', currency, currencyDisplay });
    const parts = new Intl.NumberFormat(locale, options).formatToParts(1);
    return parts.find((part) => part.type === 'currency')?.value ?? currency;
  };
  const spelled = currency === 'INR' ? RUPEES : [];
  const marks = [currency, markOf('symbol'), markOf('narrowSymbol'), ...spelled];
  const lower = text.toLowerCase();
  for (const mark of marks.map((each) => each.normalize('NFKC').toLowerCase())) {
    if (lower.startsWith(mark)) return text.slice(mark.length).trim();
    if (lower.endsWith(mark)) return text.slice(0, -mark.length).trim();
  }
  return text;
}

/**
 * A digit of any script: ten of them stand in a row, so those before it are as many as it says.
 *
 * @param {string} digit
 */
function digitOf(digit) {
  const code = /** @type {number} */ (digit.codePointAt(0));
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return value;
}
