/**
 * Google Pay for cards: Google's button and sheet. What they give is a sealed token, which the
 * API's `confirm` charges.
 *
 * Source: developers.google.com/pay/api/web/reference/client, read 2026-11-28.
 */

import { panelButton, showInDialog } from './panel.js';
import { payOnPage } from './page.js';
import { loadScript } from './scripts.js';

/** @type {import('./index.js').Driver} */
export async function payWithGoogle(drive) {
  const { checkout, messages, show = showInDialog, isPaid } = drive;
  await loadScript('google');
  const request = JSON.parse(checkout.google_pay);
  const { PaymentsClient } = /** @type {any} */ (globalThis).google.payments.api;
  const google = new PaymentsClient({ environment: checkout.google_pay_environment });
  if (!(await isReady(google, request))) {
    if (checkout.upi_link) return (await import('./upi.js')).payByUpi(drive);
    return payOnPage(drive); // the processor's page takes whoever has no Google Pay
  }
  return new Promise((resolve, reject) => {
    const pay = async () => {
      try {
        const paid = await google.loadPaymentData(request);
        resolve({ kind: 'back', proof: { payment_data: JSON.stringify(paid) } });
        close();
      } catch (error) {
        // Whoever closes the sheet may tap again.
        if (/** @type {any} */ (error)?.statusCode !== 'CANCELED') reject(error);
      }
    };
    const panel = document.createElement('div');
    panel.append(
      google.createButton({ onClick: pay, buttonLocale: messages.language }),
      panelButton(messages.words.cancel, () => close()),
    );
    const close = show(panel, () => resolve({ kind: 'back' }));
    void isPaid.then(() => close());
  });
}

/** @param {any} google @param {any} request */
async function isReady(google, { apiVersion, apiVersionMinor, allowedPaymentMethods }) {
  const asked = { apiVersion, apiVersionMinor, allowedPaymentMethods };
  return (await google.isReadyToPay(asked)).result;
}
