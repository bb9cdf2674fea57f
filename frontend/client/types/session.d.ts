/** What the methods of a client stand on: its connection, its intents and its open payments. */
import { Http } from './http.js';
import { Intents } from './intents.js';
import { PendingPayments } from './pending.js';
export type CallOptions = import('./http.js').CallOptions;
export type OperationId = import('./http.js').OperationId;
export type Paid = Pick<import('./pending.js').Pending, 'kind' | 'id' | 'payment'>;
export type Store = import('./stores.js').Store;
export type ClientOptions = {
    /**
     * where the API is: `/api/v1` of this page's own host by default
     */
    baseUrl?: string;
    /**
     * the customer's, or a function that fetches
     * one; without it the shop's own session says who calls
     */
    token?: import('./tokens.js').TokenSource;
    /**
     * a language; English by default
     */
    messages?: import('./messages/en.js').Messages;
    /**
     * how amounts are written: `en-IN`, `hi-IN` by default
     */
    locale?: string;
    /**
     * where keys and open payments are kept
     */
    stores?: {
        tab?: Store;
        site?: Store;
    };
    /**
     * of each try
     */
    timeoutMs?: number;
    retrying?: Partial<import('./http.js').Retrying>;
    environment?: Partial<import('./environment.js').Environment>;
};
/** @typedef {import('./http.js').CallOptions} CallOptions */
/** @typedef {import('./http.js').OperationId} OperationId */
/** @typedef {Pick<import('./pending.js').Pending, 'kind' | 'id' | 'payment'>} Paid */
/** @typedef {import('./stores.js').Store} Store */
/**
 * @typedef {object} ClientOptions
 * @property {string} [baseUrl] where the API is: `/api/v1` of this page's own host by default
 * @property {import('./tokens.js').TokenSource} [token] the customer's, or a function that fetches
 *   one; without it the shop's own session says who calls
 * @property {import('./messages/en.js').Messages} [messages] a language; English by default
 * @property {string} [locale] how amounts are written: `en-IN`, `hi-IN` by default
 * @property {{ tab?: Store, site?: Store }} [stores] where keys and open payments are kept
 * @property {number} [timeoutMs] of each try
 * @property {Partial<import('./http.js').Retrying>} [retrying]
 * @property {Partial<import('./environment.js').Environment>} [environment]
 */
export declare class Session {
    #private;
    messages: import("./messages/en.js").Messages;
    locale: string;
    environment: import("./environment.js").Environment;
    pending: PendingPayments;
    tab: import("./stores.js").Store;
    intents: Intents;
    http: Http;
    /** @param {ClientOptions} [options] */
    constructor({ baseUrl, token, messages, locale, stores, timeoutMs, retrying, environment: own, }?: ClientOptions);
    /**
     * Do what moves money once, however often it is asked for. It is never aborted: several may wait
     * for it, and what was sent is done all the same.
     *
     * @param {OperationId} operation
     * @param {Record<string, string>} path
     * @param {object} body
     * @param {CallOptions} [options]
     * @param {(answer: any) => Paid} [opened] what the answer's `checkout` is to be paid for
     * @returns {Promise<any>}
     */
    once(operation: OperationId, path: Record<string, string>, body: object, { signal, timeoutMs }?: CallOptions, opened?: (answer: any) => Paid): Promise<any>;
}
