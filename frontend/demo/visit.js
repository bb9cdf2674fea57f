/** One customer's visit: their wallet, their orders, their phone, and what they tap. */

import { formatAmount } from '/batua/client/index.js';
import { h } from '/batua/element/dom.js';
import '/batua/dist/batua-wallet.js';

import { LOCALE } from './counter.js';
import { News } from './news.js';
import { Orders } from './orders.js';
import { showPhone } from './phone.js';
import { complain, hide, part, tell } from './telling.js';
import { Till } from './till.js';
import { clientOf, tokenOf } from './visitor.js';

/** @typedef {import('./catalogue.js').Product} Product */
/** @typedef {import('./provider_books.js').OpenPayment} OpenPayment */
/** @typedef {import('./visitor.js').Customer} Customer */
/** @typedef {import('../client/api.js').OrderView} OrderView */
/** @typedef {import('../client/api.js').WalletView} WalletView */
/** @typedef {import('../client/outcomes.js').Outcome} Outcome */
/** @typedef {import('../element/batua-wallet.js').BatuaWallet} BatuaWallet */

/** @type {Record<string, string>} */
const PRESETS = { INR: '100, 500, 1000', USD: '10, 50, 100' };
const LEAD =
  'Buy something with one tap. Add money, or let the provider fail, ' +
  'and watch the balance, your orders and your phone.';

export class Visit {
  /** Payments that were left before they were paid. @type {OpenPayment[]} */
  #left = [];
  /** @type {BatuaWallet} */
  #wallet = h('batua-wallet');

  /**
   * @param {Customer} customer
   * @param {string} currency
   * @param {(currency: string) => void} changeCurrency of the whole page
   */
  constructor(customer, currency, changeCurrency) {
    this.changeCurrency = changeCurrency;
    this.client = clientOf(customer);
    this.till = new Till(this.client);
    this.news = new News(this.client);
    this.orders = new Orders(this.client, {
      pay: (order) => this.#payInWallet(order),
      cancel: (order) => this.#cancel(order),
    });
    this.#wallet.token = tokenOf(customer);
    this.showIn(currency);
    this.#listen('batua-balance', (/** @type {WalletView} */ wallet) => this.#showBalance(wallet));
    this.#listen('batua-outcome', (/** @type {Outcome} */ outcome) => this.#showEnd(outcome));
    hide(); // whatever was said before anybody came in
    part('wallet').replaceChildren(this.#wallet);
    part('greeting').textContent = `Namaste, ${customer.name}`;
    part('lead').textContent = LEAD;
    showPhone(customer, () => this.orders.refresh());
    void this.orders.refresh();
    void this.#recover();
  }

  /** @param {string} currency */
  showIn(currency) {
    this.currency = currency;
    this.#wallet.removeAttribute('order');
    this.#wallet.setAttribute('presets', PRESETS[currency]);
    this.#wallet.setAttribute('currency', currency);
  }

  /** What a provider may still be paid. @returns {OpenPayment[]} */
  openPayments() {
    const all = [...this.client.pending.all(), ...this.#left];
    return [...new Map(all.map((each) => [each.reference, each])).values()];
  }

  /** One tap. @param {Product} product @param {string} currency @returns {Promise<boolean>} */
  async buy(product, currency) {
    try {
      const order = await this.till.buy(product, currency);
      void this.orders.refresh();
      this.#greet(order);
      return order.status !== 'pending';
    } catch (error) {
      complain(error);
      return false;
    }
  }

  /** @param {OrderView} order */
  #greet(order) {
    const { description, amount, currency, status } = order;
    if (status === 'pending') return this.#payInWallet(order);
    const written = formatAmount(amount, currency, LOCALE);
    tell(`${description} is yours: ${written} was paid from your wallet.`);
  }

  /** @param {OrderView} order */
  #payInWallet({ id, description, currency }) {
    if (currency !== this.currency) this.changeCurrency(currency);
    this.#wallet.setAttribute('order', id);
    tell(`${description} is set aside for you. Your wallet asks how to pay for it.`);
    part('wallet').scrollIntoView({ block: 'start' });
    part('wallet').focus({ preventScroll: true });
  }

  /** @param {OrderView} order */
  async #cancel({ id, description }) {
    try {
      await this.client.cancelOrder(id);
      tell(`The order of ${description} is cancelled. Nothing was taken.`);
    } catch (error) {
      complain(error);
    }
    await this.orders.refresh();
    if (this.#wallet.getAttribute('order') === id) this.#wallet.removeAttribute('order');
  }

  async #recover() {
    try {
      for (const order of await this.till.recover()) this.#greet(order);
    } catch (error) {
      complain(error);
    }
  }

  /** @param {WalletView} wallet */
  #showBalance(wallet) {
    const { currency, available, balance } = wallet;
    const before = this.till.wallets.get(currency);
    this.till.wallets.set(currency, wallet);
    const written = formatAmount(available, currency, LOCALE);
    part('purse').hidden = false;
    part('purse').textContent = written;
    part('purse').setAttribute('aria-label', `In your wallet: ${written}`);
    void this.orders.refresh();
    if (before && before.balance !== balance) {
      this.news.tell(currency).catch(() => {}); // the statement has it all the same
    }
  }

  /** The wallet says how it ended. @param {Outcome} outcome */
  #showEnd(outcome) {
    hide(); // what was said of it before
    this.news.know(outcome);
    void this.orders.refresh();
    const { kind, topUp } = outcome;
    if (kind !== 'abandoned' || !topUp?.checkout) return;
    const { gateway, provider_reference: reference } = topUp.checkout;
    this.#left.push({ kind: 'top_up', gateway: String(gateway), reference: String(reference) });
  }

  /** @template T @param {string} name @param {(detail: T) => void} take */
  #listen(name, take) {
    this.#wallet.addEventListener(name, (event) =>
      take(/** @type {CustomEvent<T>} */ (event).detail),
    );
  }
}
