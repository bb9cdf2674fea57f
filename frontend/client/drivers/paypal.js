/** PayPal: its own page, which sends the customer back with `token` and `PayerID`. */

import { payOnPage, webAddress } from './page.js';

/**
 * Where PayPal approves orders, live and sandbox. Source: the `approve` links of
 * developer.paypal.com/docs/api/orders/v2, read 2026-11-28.
 */
export const PAYPAL_HOSTS = ['www.paypal.com', 'www.sandbox.paypal.com'];

/** @type {import('./index.js').Driver} */
export async function payWithPayPal(drive) {
  const { protocol, host } = new URL(webAddress(drive.checkout.url));
  if (protocol !== 'https:' || !PAYPAL_HOSTS.includes(host)) {
    throw new TypeError(`${host} is no host of PayPal`);
  }
  return payOnPage(drive);
}
