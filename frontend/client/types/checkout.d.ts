/**
 * From a tap to the end of a payment: opened at the API, paid at the provider, and asked for.
 *
 * A driver takes the customer to the provider and brings back what it gave. Whatever that is, the
 * API has the last word.
 */
export type CreateTopUp = import('./api.js').CreateTopUp;
export type GatewayView = import('./api.js').GatewayView;
export type PayOrder = import('./api.js').PayOrder;
export type BatuaClient = import('./client.js').BatuaClient;
export type Show = import('./drivers/index.js').Show;
export type Outcome = import('./outcomes.js').Outcome;
export type Pending = import('./pending.js').Pending;
export type CheckoutOptions = {
    /**
     * the provider's page in a window of its own, or in
     * this tab; by default a window where there is a mouse
     */
    mode?: 'auto' | 'window' | 'tab';
    /**
     * where a driver shows its button or its code; a dialog by default
     */
    show?: Show;
};
/**
 * @typedef {object} CheckoutOptions
 * @property {'auto' | 'window' | 'tab'} [mode] the provider's page in a window of its own, or in
 *   this tab; by default a window where there is a mouse
 * @property {Show} [show] where a driver shows its button or its code; a dialog by default
 */
export declare class Checkout {
    #private;
    client: import("./client.js").BatuaClient;
    mode: "auto" | "tab" | "window";
    show: import("./drivers/index.js").Show | undefined;
    /** @param {BatuaClient} client @param {CheckoutOptions} [options] */
    constructor(client: BatuaClient, { mode, show }?: CheckoutOptions);
    /**
     * Add money to the wallet. Call it in the tap itself: a window that opens much later is blocked.
     *
     * @param {CreateTopUp} body
     * @returns {Promise<Outcome>}
     */
    addMoney(body: CreateTopUp): Promise<Outcome>;
    /**
     * Pay an order, from the wallet, by a gateway or split between both.
     *
     * @param {string} id
     * @param {PayOrder} body
     * @returns {Promise<Outcome>}
     */
    payOrder(id: string, body: PayOrder): Promise<Outcome>;
    /**
     * Whoever came back to this page: by the provider's link, or by a reload or the back button in
     * the middle of a payment. Null for everybody else. Call it once, when the page has loaded.
     *
     * @returns {Promise<Outcome | null>}
     */
    resume(): Promise<Outcome | null>;
}
