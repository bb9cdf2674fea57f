/** What the customer has ordered, newest first, and what came back of it. */

import { h } from '/batua/element/dom.js';
import { BatuaError, formatAmount } from '/batua/client/index.js';

import { LOCALE } from './counter.js';
import { part } from './telling.js';

/** @typedef {import('../client/client.js').BatuaClient} BatuaClient */
/** @typedef {import('../client/api.js').OrderView} OrderView */

const PAGE = 6;

const STATUSES = {
  pending: 'To be paid',
  paid: 'Paid',
  partially_refunded: 'Partly refunded',
  refunded: 'Refunded',
  cancelled: 'Cancelled',
};

/**
 * @typedef {object} Doing
 * @property {(order: OrderView) => void} pay
 * @property {(order: OrderView) => Promise<void>} cancel
 */

export class Orders {
  #limit = PAGE;
  #shown = '';
  #isLooking = false;
  #looksAgain = false;

  /** @param {BatuaClient} client @param {Doing} doing */
  constructor(client, doing) {
    this.client = client;
    this.doing = doing;
    const more = () => {
      this.#limit += PAGE;
      void this.refresh();
    };
    part('orders-more').addEventListener('click', more);
    part('orders-note').hidden = false;
    part('orders-note').textContent = 'Loading your orders…';
    part('order-list').replaceChildren();
  }

  /** As the API tells it now. Whoever asks meanwhile is told by one more look. */
  async refresh() {
    this.#looksAgain = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#looksAgain) {
        this.#looksAgain = false;
        await this.#look();
      }
    } finally {
      this.#isLooking = false;
    }
  }

  async #look() {
    const note = part('orders-note');
    try {
      const page = await this.client.orders({ limit: this.#limit });
      const told = JSON.stringify(page);
      if (told === this.#shown && note.hidden) return; // whoever is at a button of it stays there
      this.#shown = told;
      note.textContent = page.items.length ? '' : 'Nothing yet. Your first cup is a tap away.';
      note.hidden = page.items.length > 0;
      part('order-list').replaceChildren(...page.items.map((each) => this.#row(each)));
      part('orders-more').hidden = page.next_cursor === null;
    } catch (error) {
      if (!(error instanceof BatuaError)) throw error;
      note.hidden = false;
      note.textContent = `What you see may be old. ${error.message}`;
    }
  }

  /** @param {OrderView} order */
  #row(order) {
    const { id, description, reference, status, amount, currency, created_at } = order;
    const when = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'short' });
    return h(
      'li',
      { class: 'card order' },
      h('h3', {}, description || reference),
      h('b', { class: 'amount' }, formatAmount(amount, currency, LOCALE)),
      h(
        'p',
        { class: 'quiet' },
        `${reference} · `,
        h('time', { dateTime: created_at }, when.format(new Date(created_at))),
      ),
      h('span', { class: `chip ${status}` }, STATUSES[status]),
      ...ways(order).map((each) => h('p', { class: 'way' }, each)),
      status === 'pending' ? this.#open(order) : behind(id, status),
    );
  }

  /** @param {OrderView} order */
  #open(order) {
    const { description, reference } = order;
    const name = description || reference;
    return h(
      'p',
      { class: 'row' },
      button('Pay', `Pay for ${name}`, () => this.doing.pay(order)),
      button('Cancel', `Cancel ${name}`, () => void this.doing.cancel(order)),
    );
  }
}

/** @param {string} text @param {string} label @param {() => void} onclick */
const button = (text, label, onclick) =>
  h('button', { type: 'button', 'aria-label': label, onclick }, text);

/** Where the money came from, and where it went back to. @param {OrderView} order */
function ways(order) {
  const { currency, paid_from_wallet, paid_by_gateway, refunded, refund_reserved } = order;
  const written = (/** @type {number} */ amount) => formatAmount(amount, currency, LOCALE);
  const provider = paid_by_gateway > 0 && `${written(paid_by_gateway)} by the provider`;
  return [
    provider && paid_from_wallet > 0
      ? `${written(paid_from_wallet)} from the wallet, ${provider}`
      : provider,
    refunded > 0 && `${written(refunded)} came back to you`,
    refund_reserved > 0 && `${written(refund_reserved)} is on its way back to you`,
  ].filter((each) => typeof each === 'string');
}

/** Staff refund an order on their own page of it. @param {string} id @param {string} status */
function behind(id, status) {
  if (status !== 'paid' && status !== 'partially_refunded') return null;
  const href = `/admin/pages/orders/${encodeURIComponent(id)}/`;
  return h('p', {}, h('a', { href, target: 'staff' }, 'Refund it as staff'));
}
