/** The wallet as it changes: by a stream of events, or by asking where no stream can be had. */
export type WalletView = import('./api.js').WalletView;
export type Http = import('./http.js').Http;
export type WatchOptions = {
    currency?: string;
    /**
     * ends it, without an error
     */
    signal?: AbortSignal;
    /**
     * between two questions where there is no stream
     */
    askMs?: number;
};
/** @typedef {import('./api.js').WalletView} WalletView */
/** @typedef {import('./http.js').Http} Http */
/**
 * @typedef {object} WatchOptions
 * @property {string} [currency]
 * @property {AbortSignal} [signal] ends it, without an error
 * @property {number} [askMs] between two questions where there is no stream
 */
/** The API says something every few seconds; after this long in silence the line is dead. */
export declare const SILENCE_MS_MAX = 45000;
/**
 * The wallet now, and again whenever it has changed, until the signal ends it. A broken stream is
 * resumed from the last event that was seen. Raises `BatuaError` where the customer is refused.
 *
 * @param {Http} http
 * @param {WatchOptions} [options]
 * @returns {AsyncGenerator<WalletView>}
 */
export declare function watchWallet(http: Http, { currency, signal, askMs }?: WatchOptions): AsyncGenerator<WalletView>;
