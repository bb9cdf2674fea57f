/** What happened to the wallet without a tap of this visitor's: said once, in a sentence. */

import { formatAmount } from '/batua/client/index.js';

import { LOCALE } from './counter.js';
import { tell } from './telling.js';

/** @typedef {import('../client/client.js').BatuaClient} BatuaClient */
/** @typedef {import('../client/outcomes.js').Outcome} Outcome */

const OUTCOME_MS_MAX = 3000; // the wallet itself tells of what was added while somebody waits

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
  ['top_up', (amount) => `${amount} was added to your wallet: the provider told us later.`],
  ['adjustment_credit', (amount) => `The shop has put ${amount} right: it is yours.`],
  ['adjustment_debit', (amount) => `The shop has put ${amount} right: it left your wallet.`],
  ['suspense_release', (amount) => `${amount} is yours: the shop has found your payment.`],
]);

export class News {
  /** Top-ups that the wallet has told of. @type {Set<string>} */
  #known = new Set();

  /** @param {BatuaClient} client */
  constructor(client) {
    this.client = client;
  }

  /** @param {Outcome} outcome */
  know({ kind, topUp }) {
    if (kind === 'added' && topUp) this.#known.add(topUp.id);
  }

  /** Say what the newest entry is, if somebody else made it. @param {string} currency */
  async tell(currency) {
    const [newest] = (await this.client.transactions({ currency, limit: 1 })).items;
    const sentence = newest && SENTENCES.get(newest.kind);
    if (!sentence) return;
    if (newest.top_up && newest.kind === 'top_up') {
      await this.client.environment.sleep(OUTCOME_MS_MAX);
      if (this.#known.has(newest.top_up)) return;
    }
    tell(sentence(formatAmount(Math.abs(newest.amount), currency, LOCALE)));
  }
}
