/**
 * From a tap to the end of a payment: opened at the API, paid at the provider, and asked for.
 *
 * A driver takes the customer to the provider and brings back what it gave. Whatever that is, the
 * API has the last word.
 */

import { driverOf } from './drivers/index.js';
import { BatuaError } from './errors.js';
import { left, ofOrder, ofTopUp } from './outcomes.js';
import { tagged } from './pending.js';
import { handOver, ownAddress, readReturn } from './returning.js';
import { look, settle } from './settling.js';

/** @typedef {import('./api.js').CreateTopUp} CreateTopUp */
/** @typedef {import('./api.js').GatewayView} GatewayView */
/** @typedef {import('./api.js').PayOrder} PayOrder */
/** @typedef {import('./client.js').BatuaClient} BatuaClient */
/** @typedef {import('./drivers/index.js').Show} Show */
/** @typedef {import('./outcomes.js').Outcome} Outcome */
/** @typedef {import('./pending.js').Pending} Pending */

const AWAY = 'batua.away';
const LOOK_EVERY_MS = 2000;
const SEEN_MS = 1200; // the provider's own page has a moment to say that it is paid

/**
 * @typedef {object} CheckoutOptions
 * @property {'auto' | 'window' | 'tab'} [mode] the provider's page in a window of its own, or in
 *   this tab; by default a window where there is a mouse
 * @property {Show} [show] where a driver shows its button or its code; a dialog by default
 */

export class Checkout {
  /** @type {Promise<GatewayView[]> | null} */
  #gateways = null;

  /** @param {BatuaClient} client @param {CheckoutOptions} [options] */
  constructor(client, { mode = 'auto', show } = {}) {
    this.client = client;
    this.mode = mode;
    this.show = show;
  }

  /**
   * Add money to the wallet. Call it in the tap itself: a window that opens much later is blocked.
   *
   * @param {CreateTopUp} body
   * @returns {Promise<Outcome>}
   */
  async addMoney(body) {
    const gateway = await this.#gateway(body.gateway);
    const opened = await this.client.topUp({ ...body, return_url: this.#returnUrl() });
    if (!opened.checkout) return ofTopUp(this.client, opened);
    return this.#paid({ id: opened.id }, opened.checkout, gateway);
  }

  /**
   * Pay an order, from the wallet, by a gateway or split between both.
   *
   * @param {string} id
   * @param {PayOrder} body
   * @returns {Promise<Outcome>}
   */
  async payOrder(id, body) {
    const gateway = body.gateway ? await this.#gateway(body.gateway) : undefined;
    const sent = gateway ? { ...body, return_url: this.#returnUrl() } : body;
    const paid = await this.#pay(id, sent);
    if (!paid) return ofOrder(this.client, await this.client.order(id));
    const { order, payment, checkout } = paid;
    if (order.status !== 'pending' || !checkout) return ofOrder(this.client, order, payment.status);
    return this.#paid({ id, payment: payment.id }, checkout, gateway);
  }

  /**
   * Whoever came back to this page: by the provider's link, or by a reload or the back button in
   * the middle of a payment. Null for everybody else. Call it once, when the page has loaded.
   *
   * @returns {Promise<Outcome | null>}
   */
  async resume() {
    const all = this.client.pending.all();
    const back = readReturn(location.href, all);
    const awayId = this.client.tab.getItem(AWAY);
    if (back) {
      const isTaken = await handOver(back.tag, back.proof);
      if (isTaken) window.close(); // a window of its own, whose opener goes on
      if (isTaken) return left();
      const outcome = await this.#ended(back.pending, back.proof);
      history.replaceState(history.state, '', ownAddress(location.href, back.pending.return_url));
      return outcome;
    }
    const gone = all.find((each) => each.id === awayId);
    if (!gone) return null;
    const outcome = await look(this.client, gone);
    this.client.tab.removeItem(AWAY);
    // Who has not paid yet may still come back by the provider's link.
    if (outcome.kind !== 'abandoned') this.client.pending.remove(gone);
    return outcome;
  }

  /**
   * Null where it was paid or cancelled meanwhile, perhaps in another tab.
   *
   * @param {string} id
   * @param {PayOrder} body
   */
  async #pay(id, body) {
    try {
      return await this.client.payOrder(id, body);
    } catch (error) {
      if (error instanceof BatuaError && error.code === 'order_not_pending') return null;
      throw error;
    }
  }

  /**
   * @param {Pick<Pending, 'id' | 'payment'>} opened
   * @param {Record<string, any>} checkout
   * @param {GatewayView | undefined} gateway
   */
  async #paid(opened, checkout, gateway) {
    const pending = this.client.pending.find(opened);
    const over = new AbortController();
    this.client.tab.setItem(AWAY, opened.id);
    try {
      const end = await this.#drive(checkout, gateway, pending, over.signal);
      return end.kind === 'left' ? left() : await this.#ended(pending, end.proof);
    } finally {
      over.abort();
    }
  }

  /**
   * @param {Record<string, any>} checkout
   * @param {GatewayView | undefined} gateway
   * @param {Pending} pending
   * @param {AbortSignal} over
   */
  async #drive(checkout, gateway, pending, over) {
    const { client, mode, show } = this;
    try {
      const pay = await driverOf(checkout, gateway);
      const isPaid = this.#paidMeanwhile(pending, over);
      return await pay({ checkout, pending, mode, show, messages: client.messages, isPaid });
    } catch (cause) {
      throw client.http.error('checkout_unavailable', cause);
    }
  }

  /** @param {Pending} pending @param {Record<string, string>} [proof] */
  async #ended(pending, proof) {
    const outcome = await settle(this.client, pending, proof);
    this.client.tab.removeItem(AWAY);
    return outcome;
  }

  /**
   * Resolves when the API knows of the money, whatever the provider's page still shows.
   *
   * @param {Pending} pending
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async #paidMeanwhile(pending, signal) {
    const { sleep } = this.client.environment;
    while (!signal.aborted) {
      await sleep(LOOK_EVERY_MS, signal);
      try {
        const { kind } = await look(this.client, pending);
        if (kind === 'added' || kind === 'paid') return await sleep(SEEN_MS, signal);
      } catch (error) {
        if (!(error instanceof BatuaError)) throw error; // offline for a while: look again
      }
    }
    return new Promise(() => {}); // it is over, and nobody waits any more
  }

  /** @param {string} code @returns {Promise<GatewayView | undefined>} */
  async #gateway(code) {
    this.#gateways ??= this.client.gateways();
    try {
      return (await this.#gateways).find((each) => each.code === code);
    } catch (error) {
      this.#gateways = null;
      throw error;
    }
  }

  /** This page, marked. */
  #returnUrl() {
    return tagged(ownAddress(location.href, undefined), this.client.intents.newKey());
  }
}
