/**
 * What a customer does with a wallet, one method each.
 *
 * Bodies and answers have the API's own names, amounts are minor units. Every method raises
 * `BatuaError`, whose `message` is for the customer. Those that move money may be called again and
 * again: an equal call is done once, until its end is known.
 */

import { Session } from './session.js';
import { watchWallet } from './watching.js';

/** @typedef {import('./api.js').GatewayView} GatewayView */
/** @typedef {import('./api.js').OrderPage} OrderPage */
/** @typedef {import('./api.js').OrderPaymentView} OrderPaymentView */
/** @typedef {import('./api.js').OrderView} OrderView */
/** @typedef {import('./api.js').RefundView} RefundView */
/** @typedef {import('./api.js').StatementItem} StatementItem */
/** @typedef {import('./api.js').StatementPage} StatementPage */
/** @typedef {import('./api.js').TopUpView} TopUpView */
/** @typedef {import('./api.js').WalletView} WalletView */
/** @typedef {import('./http.js').CallOptions} CallOptions */

/**
 * @typedef {object} StatementFilter
 * @property {string} [currency]
 * @property {string} [from] a time with its zone
 * @property {string} [to]
 * @property {string} [kind]
 */

/** @typedef {{ cursor?: string, limit?: number }} Paging */

export class BatuaClient extends Session {
  /** The ways to pay. @param {CallOptions} [options] @returns {Promise<GatewayView[]>} */
  gateways(options) {
    return this.http.call('list_gateways', options);
  }

  /**
   * The balance.
   *
   * @param {{ currency?: string } & CallOptions} [options]
   * @returns {Promise<WalletView>}
   */
  wallet({ currency, ...options } = {}) {
    return this.http.call('get_wallet', { query: { currency }, ...options });
  }

  /**
   * The wallet now, and whenever it changes: `for await (const wallet of client.walletEvents())`.
   *
   * @param {import('./watching.js').WatchOptions} [options]
   */
  walletEvents(options) {
    return watchWallet(this.http, options);
  }

  /**
   * A page of the statement, newest first.
   *
   * @param {StatementFilter & Paging & CallOptions} [wanted]
   * @returns {Promise<StatementPage>}
   */
  transactions({ signal, timeoutMs, ...query } = {}) {
    return this.http.call('list_transactions', { query, signal, timeoutMs });
  }

  /**
   * Every entry of the statement, fetched page by page as it is read.
   *
   * @param {StatementFilter & Paging & CallOptions} [wanted]
   * @returns {AsyncGenerator<StatementItem>}
   */
  async *allTransactions(wanted = {}) {
    for (let cursor = wanted.cursor; ;) {
      const page = await this.transactions({ ...wanted, cursor });
      yield* page.items;
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /**
   * The statement as CSV, fit for a spreadsheet: the newest ten thousand entries.
   *
   * @param {StatementFilter & CallOptions} [wanted]
   * @returns {Promise<string>}
   */
  statementCsv({ signal, timeoutMs, ...query } = {}) {
    return this.http.call('list_transactions', { query, accept: 'text/csv', signal, timeoutMs });
  }

  /**
   * Open a top-up. Its `checkout` says where to pay it; the drivers take a customer there.
   *
   * @param {import('./api.js').CreateTopUp} body
   * @param {CallOptions} [options]
   * @returns {Promise<TopUpView>}
   */
  topUp(body, options) {
    return this.once('create_top_up', {}, body, options, (opened) => ({
      kind: 'top_up',
      id: opened.id,
    }));
  }

  /** @param {string} id @param {CallOptions} [options] @returns {Promise<TopUpView>} */
  readTopUp(id, options) {
    return this.http.call('get_top_up', { path: { top_up_id: id }, ...options });
  }

  /**
   * Bring what the provider's page gave to the browser; the provider is asked whether it is true.
   *
   * @param {string} id
   * @param {Record<string, unknown>} proof
   * @param {CallOptions} [options]
   * @returns {Promise<TopUpView>}
   */
  confirmTopUp(id, proof, options) {
    const path = { top_up_id: id };
    return this.http.call('confirm_top_up', { path, body: proof, isRepeatable: true, ...options });
  }

  /**
   * Place an order; with `pay_with: 'wallet'` it is placed and paid in one stroke, or not at all.
   *
   * @param {import('./api.js').CreateOrder} body
   * @param {CallOptions} [options]
   * @returns {Promise<OrderView>}
   */
  createOrder(body, options) {
    return this.once('create_order', {}, body, options);
  }

  /** @param {string} id @param {CallOptions} [options] @returns {Promise<OrderView>} */
  order(id, options) {
    return this.http.call('get_order', { path: { order_id: id }, ...options });
  }

  /**
   * A page of one's orders, newest first.
   *
   * @param {{ status?: string, reference?: string } & Paging & CallOptions} [wanted]
   * @returns {Promise<OrderPage>}
   */
  orders({ signal, timeoutMs, ...query } = {}) {
    return this.http.call('list_orders', { query, signal, timeoutMs });
  }

  /**
   * Pay an order from the wallet, by a gateway, or split: the wallet first, a gateway for the rest.
   * A `checkout` in the answer says where the rest is to be paid.
   *
   * @param {string} id
   * @param {import('./api.js').PayOrder} body
   * @param {CallOptions} [options]
   * @returns {Promise<OrderPaymentView>}
   */
  payOrder(id, body, options) {
    return this.once('pay_order', { order_id: id }, body, options, (opened) => ({
      kind: 'order',
      id: opened.order.id,
      payment: opened.payment.id,
    }));
  }

  /**
   * @param {string} id
   * @param {string} payment
   * @param {Record<string, unknown>} proof
   * @param {CallOptions} [options]
   * @returns {Promise<OrderPaymentView>}
   */
  confirmOrderPayment(id, payment, proof, options) {
    const path = { order_id: id, payment_id: payment };
    const call = { path, body: proof, isRepeatable: true, ...options };
    return this.http.call('confirm_order_payment', call);
  }

  /**
   * Cancel an order that is not paid.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<OrderView>}
   */
  cancelOrder(id, options) {
    return this.once('cancel_order', { order_id: id }, {}, options);
  }

  /**
   * How a refund stands.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<RefundView>}
   */
  refund(id, options) {
    return this.http.call('get_refund', { path: { refund_id: id }, ...options });
  }
}
