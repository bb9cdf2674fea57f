/**
 * Razorpay Checkout, in a layer over the shop's page.
 *
 * Source: razorpay.com/docs/payments/payment-gateway/web-integration/standard, read 2026-11-28.
 */

import { loadScript } from './scripts.js';

/** @type {import('./index.js').Driver} */
export async function payWithRazorpay({ checkout, messages, isPaid }) {
  await loadScript('razorpay');
  const Razorpay = /** @type {any} */ (globalThis).Razorpay;
  const { key_id: key, order_id, amount, currency, description, customer_id, recurring } = checkout;
  return new Promise((resolve) => {
    const layer = new Razorpay({
      key,
      order_id,
      amount,
      currency,
      description,
      ...(customer_id && { customer_id, recurring }),
      config: { display: { language: messages.language } },
      handler: (/** @type {Record<string, string>} */ proof) => resolve({ kind: 'back', proof }),
      modal: { ondismiss: () => resolve({ kind: 'back' }) },
    });
    void isPaid.then(() => {
      layer.close();
      resolve({ kind: 'back' });
    });
    layer.open();
  });
}
