/**
 * One tap, one order. Its reference is made with the tap and kept until the order is known: a
 * double tap, a lost answer or a reload in the middle asks for the same order again.
 */

import { BatuaError } from '/batua/client/index.js';

/** @typedef {import('../client/client.js').BatuaClient} BatuaClient */
/** @typedef {import('../client/api.js').OrderView} OrderView */
/** @typedef {import('../client/api.js').WalletView} WalletView */
/** @typedef {import('./catalogue.js').Product} Product */

const KEPT = 'demo.wanted ';

export class Till {
  /** @type {Map<string, WalletView>} the newest that is known, by currency */
  wallets = new Map();

  /** @param {BatuaClient} client */
  constructor(client) {
    this.client = client;
  }

  /**
   * The order, paid from the wallet; pending where the wallet is short. Raises `BatuaError`.
   *
   * @param {Product} product
   * @param {string} currency
   * @returns {Promise<OrderView>}
   */
  async buy(product, currency) {
    const name = `${KEPT}${product.id} ${currency}`;
    const reference = sessionStorage.getItem(name) ?? newReference();
    sessionStorage.setItem(name, reference);
    try {
      const order = await this.#place(product, currency, reference);
      sessionStorage.removeItem(name);
      return order;
    } catch (error) {
      if (error instanceof BatuaError && error.isFinal) sessionStorage.removeItem(name);
      throw error;
    }
  }

  /**
   * What a reload has left in doubt, and became an order all the same. What did not is wanted
   * still: the next tap asks for it again.
   *
   * @returns {Promise<OrderView[]>}
   */
  async recover() {
    const names = Object.keys(sessionStorage).filter((each) => each.startsWith(KEPT));
    const found = [];
    for (const name of names) {
      const order = await this.#find(sessionStorage.getItem(name) ?? '');
      if (!order) continue;
      sessionStorage.removeItem(name);
      found.push(order);
    }
    return found;
  }

  /** @param {Product} product @param {string} currency @param {string} reference */
  async #place(product, currency, reference) {
    const amount = product.prices[currency];
    const items = [{ id: product.id, name: product.name, quantity: 1 }];
    const wanted = { reference, amount, currency, description: product.name, items };
    try {
      if (await this.#has(amount, currency)) {
        return await this.client.createOrder({ ...wanted, pay_with: 'wallet' });
      }
    } catch (error) {
      if (codeOf(error) !== 'insufficient_funds') throw error;
    }
    try {
      return await this.client.createOrder(wanted);
    } catch (error) {
      // It was paid by the first try, whose answer was lost.
      const order = codeOf(error) === 'order_reference_exists' && (await this.#find(reference));
      if (!order) throw error;
      return order;
    }
  }

  /** @param {number} amount @param {string} currency */
  async #has(amount, currency) {
    const wallet = this.wallets.get(currency) ?? (await this.client.wallet({ currency }));
    return wallet.available >= amount;
  }

  /** @param {string} reference @returns {Promise<OrderView | undefined>} */
  async #find(reference) {
    return (await this.client.orders({ reference, limit: 1 })).items[0];
  }
}

/** @param {unknown} error */
const codeOf = (error) => (error instanceof BatuaError ? error.code : '');

function newReference() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const letters = Array.from(bytes, (byte) => 'ABCDEFGHJKMNPQRSTUVWXYZ'[byte % 23]).join('');
  return `CHAI-${letters}`;
}
