/** PayPal: its own page, which sends the customer back with `token` and `PayerID`. */
/**
 * Where PayPal approves orders, live and sandbox. Source: the `approve` links of
 * developer.paypal.com/docs/api/orders/v2, read 2026-11-28.
 */
export declare const PAYPAL_HOSTS: string[];
/** @type {import('./index.js').Driver} */
export declare function payWithPayPal(drive: import("./index.js").Drive): Promise<import("./index.js").End>;
