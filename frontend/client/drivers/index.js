/**
 * Drivers: each takes a customer to one kind of provider and brings back what it gave.
 *
 * Where the shop is in test mode and has a page to pay on, a simulator's, that is what is opened,
 * whatever the provider: then nothing is loaded from another host. A driver is loaded when it is
 * needed.
 */

import { payOnPage } from './page.js';

/** @typedef {import('../api.js').GatewayView} GatewayView */
/** @typedef {import('../messages/en.js').Messages} Messages */
/** @typedef {import('../pending.js').Pending} Pending */

/**
 * Shows something of a driver's to the customer, until the function that it returns is called.
 *
 * @typedef {(content: HTMLElement, onClose: () => void) => () => void} Show
 */

/**
 * @typedef {object} Drive
 * @property {Record<string, any>} checkout as the API gave it
 * @property {Pending} pending
 * @property {'auto' | 'window' | 'tab'} mode
 * @property {Show} [show]
 * @property {Messages} messages
 * @property {Promise<void>} isPaid resolves when the API knows of the money
 */

/**
 * What became of it: the customer came back, perhaps with a proof, or this page is being left.
 *
 * @typedef {{ kind: 'back', proof?: Record<string, string> } | { kind: 'left' }} End
 */

/** @typedef {(drive: Drive) => Promise<End>} Driver */

/**
 * @param {Record<string, any>} checkout
 * @param {GatewayView | undefined} gateway as `GET /gateways` tells, if it still takes payments
 * @returns {Promise<Driver>}
 */
export async function driverOf(checkout, gateway) {
  if (gateway?.state === 'test' && checkout.url) return payOnPage;
  if (checkout.google_pay) return (await import('./googlepay.js')).payWithGoogle;
  if (checkout.upi_link) return (await import('./upi.js')).payByUpi;
  if (checkout.gateway === 'razorpay') return (await import('./razorpay.js')).payWithRazorpay;
  if (checkout.gateway === 'paypal') return (await import('./paypal.js')).payWithPayPal;
  return payOnPage;
}
