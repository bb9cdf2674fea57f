/** Amounts: whole numbers of minor units inside, what people write and read outside. No floats. */
/** The API's largest amount: below 2**53, so that no number here loses a paisa. */
export declare const AMOUNT_MAX = 9000000000000000;
/**
 * How many digits the minor unit has: 2 for INR, 0 for JPY, 3 for KWD. It is the API's word: a
 * browser's own data say 0 for IDR and HUF, where the API counts hundredths.
 *
 * @param {string} currency
 */
export declare const minorDigits: (currency: string) => number;
/**
 * An amount as people of a language write it: `formatAmount(50000, 'INR', 'en-IN')` is ₹500.00.
 *
 * @param {number} amount minor units
 * @param {string} currency
 * @param {string} [locale]
 */
export declare function formatAmount(amount: number, currency: string, locale?: string): string;
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
export declare function parseAmount(text: string, currency: string, locale?: string): number | null;
