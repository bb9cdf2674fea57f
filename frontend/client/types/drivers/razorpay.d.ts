/**
 * Razorpay Checkout, in a layer over the shop's page.
 *
 * Source: razorpay.com/docs/payments/payment-gateway/web-integration/standard, read 2026-11-28.
 */
/** @type {import('./index.js').Driver} */
export declare function payWithRazorpay({ checkout, messages, isPaid }: import("./index.js").Drive): Promise<import("./index.js").End>;
