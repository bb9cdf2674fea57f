/**
 * Google Pay for cards: Google's button and sheet. What they give is a sealed token, which the
 * API's `confirm` charges.
 *
 * Source: developers.google.com/pay/api/web/reference/client, read 2026-11-28.
 */
/** @type {import('./index.js').Driver} */
export declare function payWithGoogle(drive: import("./index.js").Drive): Promise<import("./index.js").End>;
