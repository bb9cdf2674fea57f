/** What the element shows of one customer's wallet, in one language and one currency. */

import { BatuaError } from '../client/errors.js';
import { addMoneySection } from './add_money.js';
import { balanceSection } from './balance.js';
import { newContext } from './context.js';
import { h } from './dom.js';
import { watchWhileVisible } from './looking.js';
import { paySection } from './pay.js';
import { statementSection } from './statement.js';

/** @typedef {import('../client/api.js').WalletView} Wallet */
/** @typedef {import('../client/outcomes.js').Outcome} Outcome */
/** @typedef {import('./context.js').Known} Known */
/** @typedef {import('./telling.js').Teller} Teller */

/** @typedef {(name: string, detail: unknown) => void} Announce tells the page */

export class View {
  /** @type {Wallet | null} */
  #wallet = null;
  #isBusy = false;
  #paying = h('div');
  #adding = h('div');

  /**
   * @param {Known} known
   * @param {Teller} teller
   * @param {Announce} announce
   * @param {AbortSignal} signal ends it
   */
  constructor(known, teller, announce, signal) {
    this.teller = teller;
    this.announce = announce;
    this.signal = signal;
    this.context = newContext({
      ...known,
      wallet: () => this.#wallet,
      pay: (action) => this.pay(action),
      read: (action) => this.read(action),
    });
    this.balance = balanceSection(this.context);
    this.statement = statementSection(this.context);
    this.parts = [
      this.balance.section,
      teller.box,
      this.#paying,
      this.#adding,
      this.statement.section,
    ];
  }

  /**
   * Show all there is, with an order to be paid if there is one. Raises `BatuaError`.
   *
   * @param {string | null} order
   */
  async load(order) {
    const { client, currency } = this.context;
    const { signal } = this;
    const [gateways, toPay] = await Promise.all([
      client.gateways({ signal }),
      order ? client.order(order, { signal }) : null,
      watchWhileVisible(client, currency, signal, (wallet) => this.#show(wallet)),
    ]);
    this.#adding.replaceChildren(addMoneySection(this.context, gateways));
    if (toPay?.status !== 'pending') return;
    this.#paying.replaceChildren(paySection(this.context, toPay, gateways));
  }

  /** See to its end whatever was begun in this tab, and hear when it goes offline or comes back. */
  resume() {
    const { teller, signal, context } = this;
    const resume = () => this.pay(() => context.checkout.resume(), { isQuiet: true });
    // The back button may bring this very page back, as it was when it was left.
    const shown = (/** @type {PageTransitionEvent} */ event) => {
      if (!event.persisted) return;
      this.#setBusy(false);
      void resume();
    };
    window.addEventListener('pageshow', shown, { signal });
    window.addEventListener('offline', () => teller.tell(context.t('offline'), 'bad'), { signal });
    window.addEventListener('online', () => teller.tell(context.t('online')), { signal });
    void resume();
  }

  /**
   * Do what moves money, unless something does already.
   *
   * @param {() => Promise<Outcome | null>} action
   * @param {{ isQuiet?: boolean }} [how] nobody has tapped: nothing is told before there is an end
   * @returns {Promise<Outcome | null>}
   */
  async pay(action, { isQuiet = false } = {}) {
    if (this.#isBusy) return null;
    this.#setBusy(true);
    if (!isQuiet) this.teller.tell(this.context.t('working'));
    try {
      const outcome = await action();
      if (outcome?.kind === 'left') return outcome; // and busy, until the page is left
      if (outcome || !isQuiet) this.teller.outcome(outcome);
      if (outcome) await this.#ended(outcome);
      this.#setBusy(false);
      return outcome;
    } catch (error) {
      this.#setBusy(false);
      this.complain(error, () => void this.pay(action));
      return null;
    }
  }

  /** Do what moves none. @param {() => Promise<void>} action */
  async read(action) {
    try {
      await action();
    } catch (error) {
      this.complain(error, () => void this.read(action));
    }
  }

  /** @param {unknown} error @param {() => void} again */
  complain(error, again) {
    if (this.signal.aborted) return;
    const isOurs = error instanceof BatuaError;
    this.teller.complain(isOurs ? error.message : this.context.t('failed'), again);
    this.announce('batua-error', error);
    if (!isOurs) reportError(error);
  }

  /** @param {Outcome} outcome */
  async #ended(outcome) {
    this.announce('batua-outcome', outcome);
    const { client, currency } = this.context;
    await this.read(async () => this.#show(await client.wallet({ currency })));
  }

  /** @param {Wallet} wallet */
  #show(wallet) {
    this.#wallet = wallet;
    this.balance.show(wallet);
    this.statement.refresh();
    this.announce('batua-balance', wallet);
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    for (const part of this.parts) {
      for (const button of part.querySelectorAll('button.main')) {
        button.setAttribute('aria-disabled', String(isBusy));
      }
    }
  }
}
