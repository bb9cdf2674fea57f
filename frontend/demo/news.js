/** What happened to the wallet without a tap of this visitor's: said once, in a sentence. */

import { formatAmount } from '/batua/client/index.js';

import { LOCALE } from './counter.js';
import { tell } from './telling.js';

/** @typedef {import('../client/client.js').BatuaClient} BatuaClient */

/** By the kind of an entry in the statement. @type {Map<string, (amount: string) => string>} */
const SENTENCES = new Map([
  ['refund_to_wallet', (amount) => `${amount} came back to your wallet: a refund.`],
  [
    'dispute_wallet',
    (amount) =>
      `${amount} left your wallet: a bank asks for a payment back. ` +
      'The wallet is paused until that is decided.',
  ],
  [
    'reversal_of_dispute_wallet',
    (amount) => `${amount} is back: the dispute ended in your favour.`,
  ],
  ['paid_credit', (amount) => `${amount} is yours: a payment came late, or twice.`],
  ['adjustment', (amount) => `The shop has corrected your balance by ${amount}.`],
]);

/**
 * The newest entry, if somebody else made it.
 *
 * @param {BatuaClient} client
 * @param {string} currency
 */
export async function tellNews(client, currency) {
  const [newest] = (await client.transactions({ currency, limit: 1 })).items;
  const sentence = newest && SENTENCES.get(newest.kind);
  if (sentence) tell(sentence(formatAmount(Math.abs(newest.amount), currency, LOCALE)));
}
