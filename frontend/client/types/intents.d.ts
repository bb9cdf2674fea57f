/**
 * What a customer wants once, and the idempotency key that it has.
 *
 * The key is made before the first try and kept until an answer ends it: a double tap, a reload or
 * a lost answer sends the same request with the same key again, and the API does it once. An
 * intent is its route and its body; where the customer comes back to is a part of neither.
 */
export type Store = import('./stores.js').Store;
export type Body = Record<string, unknown>;
export type Intent = {
    /**
     * the `Idempotency-Key`
     */
    key: string;
    /**
     * as it was sent first: a repetition must not differ in a letter
     */
    body: Body;
    /**
     * when it was first wanted, in milliseconds since 1970
     */
    at: number;
};
/** After this a same tap is a new wish: a checkout that is older is about to expire. */
export declare const INTENT_LIFE_MS: number;
export declare class Intents {
    #private;
    store: import("./stores.js").Store;
    now: () => number;
    newKey: () => string;
    /**
     * @param {Store} store of this tab
     * @param {{ now: () => number, newKey?: () => string }} known
     */
    constructor(store: Store, { now, newKey }: {
        now: () => number;
        newKey?: () => string;
    });
    /**
     * Do what is wanted, unless it is being done: then its end is waited for.
     *
     * @template T
     * @param {string} route
     * @param {Body} body
     * @param {(intent: Intent) => Promise<T>} send
     * @param {(error: unknown) => boolean} isFinal
     * @returns {Promise<T>}
     */
    once<T>(route: string, body: Body, send: (intent: Intent) => Promise<T>, isFinal: (error: unknown) => boolean): Promise<T>;
}
/**
 * Letters alone: in a run of digits the API might see a card's number, and refuse it.
 *
 * @returns {string}
 */
export declare function newIdempotencyKey(): string;
