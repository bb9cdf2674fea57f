/**
 * Payments that a customer has gone to pay, kept until their end is known: whoever comes back, by
 * the provider's link, after a reload or in another tab, finds them here.
 */
export type Store = import('./stores.js').Store;
export type TopUpView = import('./api.js').TopUpView;
export type OrderPaymentView = import('./api.js').OrderPaymentView;
export type Pending = {
    kind: 'top_up' | 'order';
    /**
     * of the top-up or the order
     */
    id: string;
    /**
     * of an order
     */
    payment?: string;
    gateway: string;
    /**
     * the provider's
     */
    reference: string;
    /**
     * marked: where the provider sends the customer back to
     */
    return_url?: string;
    /**
     * milliseconds since 1970
     */
    at: number;
};
/** The query parameter that marks the address to come back to. */
export declare const TAG = "batua_return";
export declare class PendingPayments {
    #private;
    store: import("./stores.js").Store;
    now: () => number;
    /** @param {Store} store of every tab @param {() => number} now */
    constructor(store: Store, now: () => number);
    /** Newest first. @returns {Pending[]} */
    all(): Pending[];
    /** What was just added. @param {Pick<Pending, 'id' | 'payment'>} opened @returns {Pending} */
    find(opened: Pick<Pending, 'id' | 'payment'>): Pending;
    /** @param {Omit<Pending, 'at'>} opened */
    add(opened: Omit<Pending, 'at'>): void;
    /** @param {Pick<Pending, 'id' | 'payment'>} ended */
    remove(ended: Pick<Pending, 'id' | 'payment'>): void;
}
/**
 * The address to come back to, marked so that its payment is found again.
 *
 * @param {string} url
 * @param {string} tag
 */
export declare function tagged(url: string, tag: string): string;
/** @param {string | null | undefined} url @returns {string | undefined} */
export declare function tagOf(url: string | null | undefined): string | undefined;
