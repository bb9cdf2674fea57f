/** A shop's page and its customer's wallet. */

export { BatuaClient } from './client.js';
export { Checkout } from './checkout.js';
export { BatuaError, CLIENT_CODES } from './errors.js';
export { AMOUNT_MAX, formatAmount, minorDigits, parseAmount } from './money.js';
export { MemoryStore } from './stores.js';
export { en } from './messages/en.js';
