/**
 * UPI: a link that opens the payer's app on a phone, and a code to scan elsewhere.
 *
 * What an app tells the page can be forged, so it is not read: the API asks the processor.
 */
/** @type {import('./index.js').Driver} */
export declare function payByUpi({ checkout, messages, show, isPaid }: import("./index.js").Drive): Promise<import("./index.js").End>;
