/**
 * Payments that a customer has gone to pay, kept until their end is known: whoever comes back, by
 * the provider's link, after a reload or in another tab, finds them here.
 */

import { readJson } from './stores.js';

/** @typedef {import('./stores.js').Store} Store */
/** @typedef {import('./api.js').TopUpView} TopUpView */
/** @typedef {import('./api.js').OrderPaymentView} OrderPaymentView */

/**
 * @typedef {object} Pending
 * @property {'top_up' | 'order'} kind
 * @property {string} id of the top-up or the order
 * @property {string} [payment] of an order
 * @property {string} gateway
 * @property {string} reference the provider's
 * @property {string} [return_url] marked: where the provider sends the customer back to
 * @property {number} at milliseconds since 1970
 */

const NAME = 'batua.pending';
const LIFE_MS = 24 * 60 * 60 * 1000;
const MOST = 20;

/** The query parameter that marks the address to come back to. */
export const TAG = 'batua_return';

export class PendingPayments {
  /** @param {Store} store of every tab @param {() => number} now */
  constructor(store, now) {
    this.store = store;
    this.now = now;
  }

  /** Newest first. @returns {Pending[]} */
  all() {
    const kept = readJson(this.store, NAME);
    if (!Array.isArray(kept)) return [];
    return kept.filter((each) => each?.id && this.now() - each.at < LIFE_MS);
  }

  /** What was just added. @param {Pick<Pending, 'id' | 'payment'>} opened @returns {Pending} */
  find(opened) {
    const found = this.all().find((each) => isSame(each, opened));
    if (!found) throw new TypeError(`nothing is kept of ${opened.id}`);
    return found;
  }

  /** @param {Omit<Pending, 'at'>} opened */
  add(opened) {
    const others = this.all().filter((each) => !isSame(each, opened));
    this.#write([{ ...opened, at: this.now() }, ...others].slice(0, MOST));
  }

  /** @param {Pick<Pending, 'id' | 'payment'>} ended */
  remove(ended) {
    this.#write(this.all().filter((each) => !isSame(each, ended)));
  }

  /** @param {Pending[]} kept */
  #write(kept) {
    if (kept.length) this.store.setItem(NAME, JSON.stringify(kept));
    else this.store.removeItem(NAME);
  }
}

/** @param {Pick<Pending, 'id' | 'payment'>} a @param {Pick<Pending, 'id' | 'payment'>} b */
const isSame = (a, b) => a.id === b.id && a.payment === b.payment;

/**
 * The address to come back to, marked so that its payment is found again.
 *
 * @param {string} url
 * @param {string} tag
 */
export function tagged(url, tag) {
  const marked = new URL(url);
  marked.searchParams.set(TAG, tag);
  return String(marked);
}

/** @param {string | null | undefined} url @returns {string | undefined} */
export function tagOf(url) {
  return (url && new URL(url).searchParams.get(TAG)) || undefined;
}
