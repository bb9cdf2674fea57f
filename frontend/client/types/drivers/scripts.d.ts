/** Providers' own scripts: these and no others, each loaded once and only when it is needed. */
/**
 * Razorpay: razorpay.com/docs/payments/payment-gateway/web-integration/standard. Google:
 * developers.google.com/pay/api/web/guides/tutorial. Both read 2026-11-28.
 */
export declare const SCRIPTS: {
    readonly razorpay: 'https://checkout.razorpay.com/v1/checkout.js';
    readonly google: 'https://pay.google.com/gp/p/js/pay.js';
};
/**
 * Raises `TypeError` where the script can't be had: offline, or the page's policy forbids it.
 *
 * @param {keyof typeof SCRIPTS} name
 * @returns {Promise<void>}
 */
export declare function loadScript(name: keyof typeof SCRIPTS): Promise<void>;
