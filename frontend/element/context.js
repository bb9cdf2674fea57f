/** What the parts of the element share: the language, the client, the wallet, one tap at a time. */

import { fill } from '../client/messages/en.js';
import { formatAmount } from '../client/money.js';

/** @typedef {import('../client/api.js').GatewayView} GatewayView */
/** @typedef {import('../client/api.js').WalletView} WalletView */
/** @typedef {import('../client/checkout.js').Checkout} Checkout */
/** @typedef {import('../client/client.js').BatuaClient} BatuaClient */
/** @typedef {import('../client/outcomes.js').Outcome} Outcome */
/** @typedef {import('./words/en.js').Words} Words */

/**
 * @typedef {object} Known
 * @property {BatuaClient} client
 * @property {Checkout} checkout
 * @property {Words} words
 * @property {string} locale
 * @property {string} currency
 * @property {string[]} presets as a person would type them
 */

/**
 * @typedef {object} Doing
 * @property {() => WalletView | null} wallet the newest that is known
 * @property {(action: () => Promise<Outcome | null>) => Promise<Outcome | null>} pay does what
 *   moves money, one at a time, and tells the customer how it ended
 * @property {(action: () => Promise<void>) => Promise<void>} read does what moves none
 */

/**
 * @typedef {object} Saying
 * @property {(name: string, values?: Record<string, string>) => string} t
 * @property {(amount: number, currency: string) => string} money
 */

/** @typedef {Known & Doing & Saying} Context */

/** @param {Known & Doing} known @returns {Context} */
export function newContext(known) {
  const { words, locale } = known;
  return {
    ...known,
    t: (name, values = {}) => fill(words.texts[name], values),
    money: (amount, currency) => formatAmount(amount, currency, locale),
  };
}

/**
 * The gateways that take this much of this currency.
 *
 * @param {GatewayView[]} gateways
 * @param {string} currency
 * @param {number} [amount]
 */
export function fitting(gateways, currency, amount = Infinity) {
  return gateways.filter(
    ({ currencies, minimums }) =>
      currencies.includes(currency) && amount >= (minimums[currency] ?? 0),
  );
}
