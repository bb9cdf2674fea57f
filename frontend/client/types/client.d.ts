/**
 * What a customer does with a wallet, one method each.
 *
 * Bodies and answers have the API's own names, amounts are minor units. Every method raises
 * `BatuaError`, whose `message` is for the customer. Those that move money may be called again and
 * again: an equal call is done once, until its end is known.
 */
import { Session } from './session.js';
export type GatewayView = import('./api.js').GatewayView;
export type OrderPage = import('./api.js').OrderPage;
export type OrderPaymentView = import('./api.js').OrderPaymentView;
export type OrderView = import('./api.js').OrderView;
export type RefundView = import('./api.js').RefundView;
export type StatementItem = import('./api.js').StatementItem;
export type StatementPage = import('./api.js').StatementPage;
export type TopUpView = import('./api.js').TopUpView;
export type WalletView = import('./api.js').WalletView;
export type CallOptions = import('./http.js').CallOptions;
export type StatementFilter = {
    currency?: string;
    /**
     * a time with its zone
     */
    from?: string;
    to?: string;
    kind?: string;
};
export type Paging = {
    cursor?: string;
    limit?: number;
};
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
export declare class BatuaClient extends Session {
    /** The ways to pay. @param {CallOptions} [options] @returns {Promise<GatewayView[]>} */
    gateways(options?: CallOptions): Promise<GatewayView[]>;
    /**
     * The balance.
     *
     * @param {{ currency?: string } & CallOptions} [options]
     * @returns {Promise<WalletView>}
     */
    wallet({ currency, ...options }?: {
        currency?: string;
    } & CallOptions): Promise<WalletView>;
    /**
     * The wallet now, and whenever it changes: `for await (const wallet of client.walletEvents())`.
     *
     * @param {import('./watching.js').WatchOptions} [options]
     */
    walletEvents(options?: import('./watching.js').WatchOptions): AsyncGenerator<import("./api.js").WalletView, any, any>;
    /**
     * A page of the statement, newest first.
     *
     * @param {StatementFilter & Paging & CallOptions} [wanted]
     * @returns {Promise<StatementPage>}
     */
    transactions({ signal, timeoutMs, ...query }?: StatementFilter & Paging & CallOptions): Promise<StatementPage>;
    /**
     * Every entry of the statement, fetched page by page as it is read.
     *
     * @param {StatementFilter & Paging & CallOptions} [wanted]
     * @returns {AsyncGenerator<StatementItem>}
     */
    allTransactions(wanted?: StatementFilter & Paging & CallOptions): AsyncGenerator<StatementItem>;
    /**
     * The statement as CSV, fit for a spreadsheet: the newest ten thousand entries.
     *
     * @param {StatementFilter & CallOptions} [wanted]
     * @returns {Promise<string>}
     */
    statementCsv({ signal, timeoutMs, ...query }?: StatementFilter & CallOptions): Promise<string>;
    /**
     * Open a top-up. Its `checkout` says where to pay it; the drivers take a customer there.
     *
     * @param {import('./api.js').CreateTopUp} body
     * @param {CallOptions} [options]
     * @returns {Promise<TopUpView>}
     */
    topUp(body: import('./api.js').CreateTopUp, options?: CallOptions): Promise<TopUpView>;
    /** @param {string} id @param {CallOptions} [options] @returns {Promise<TopUpView>} */
    readTopUp(id: string, options?: CallOptions): Promise<TopUpView>;
    /**
     * Bring what the provider's page gave to the browser; the provider is asked whether it is true.
     *
     * @param {string} id
     * @param {Record<string, unknown>} proof
     * @param {CallOptions} [options]
     * @returns {Promise<TopUpView>}
     */
    confirmTopUp(id: string, proof: Record<string, unknown>, options?: CallOptions): Promise<TopUpView>;
    /**
     * Place an order; with `pay_with: 'wallet'` it is placed and paid in one stroke, or not at all.
     *
     * @param {import('./api.js').CreateOrder} body
     * @param {CallOptions} [options]
     * @returns {Promise<OrderView>}
     */
    createOrder(body: import('./api.js').CreateOrder, options?: CallOptions): Promise<OrderView>;
    /** @param {string} id @param {CallOptions} [options] @returns {Promise<OrderView>} */
    order(id: string, options?: CallOptions): Promise<OrderView>;
    /**
     * A page of one's orders, newest first.
     *
     * @param {{ status?: string, reference?: string } & Paging & CallOptions} [wanted]
     * @returns {Promise<OrderPage>}
     */
    orders({ signal, timeoutMs, ...query }?: {
        status?: string;
        reference?: string;
    } & Paging & CallOptions): Promise<OrderPage>;
    /**
     * Pay an order from the wallet, by a gateway, or split: the wallet first, a gateway for the rest.
     * A `checkout` in the answer says where the rest is to be paid.
     *
     * @param {string} id
     * @param {import('./api.js').PayOrder} body
     * @param {CallOptions} [options]
     * @returns {Promise<OrderPaymentView>}
     */
    payOrder(id: string, body: import('./api.js').PayOrder, options?: CallOptions): Promise<OrderPaymentView>;
    /**
     * @param {string} id
     * @param {string} payment
     * @param {Record<string, unknown>} proof
     * @param {CallOptions} [options]
     * @returns {Promise<OrderPaymentView>}
     */
    confirmOrderPayment(id: string, payment: string, proof: Record<string, unknown>, options?: CallOptions): Promise<OrderPaymentView>;
    /**
     * Cancel an order that is not paid.
     *
     * @param {string} id
     * @param {CallOptions} [options]
     * @returns {Promise<OrderView>}
     */
    cancelOrder(id: string, options?: CallOptions): Promise<OrderView>;
    /**
     * How a refund stands.
     *
     * @param {string} id
     * @param {CallOptions} [options]
     * @returns {Promise<RefundView>}
     */
    refund(id: string, options?: CallOptions): Promise<RefundView>;
}
