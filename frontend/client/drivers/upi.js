/**
 * UPI: a link that opens the payer's app on a phone, and a code to scan elsewhere.
 *
 * What an app tells the page can be forged, so it is not read: the API asks the processor.
 */

import { panelButton, showInDialog } from './panel.js';
import { drawQr } from './qr.js';

const ON_PHONE = '(pointer: coarse)';

/** @type {import('./index.js').Driver} */
export function payByUpi({ checkout, messages, show = showInDialog, isPaid }) {
  return new Promise((resolve) => {
    const { words } = messages;
    const panel = document.createElement('div');
    if (matchMedia(ON_PHONE).matches) {
      panel.append(appLink(checkout.upi_link, words.open_upi));
      if (checkout.upi_google_pay) panel.append(appLink(checkout.upi_google_pay, 'Google Pay'));
    } else {
      panel.append(drawQr(checkout.upi_qr ?? checkout.upi_link, words.scan_upi));
    }
    panel.append(
      panelButton(words.have_paid, () => {
        resolve({ kind: 'back', proof: { upi: 'returned' } });
        close();
      }),
      panelButton(words.cancel, () => close()),
    );
    const close = show(panel, () => resolve({ kind: 'back' }));
    void isPaid.then(() => close());
  });
}

/** @param {unknown} link @param {string} text */
function appLink(link, text) {
  const url = String(link);
  if (!/^(upi|gpay):\/\//.test(url))
    throw new TypeError('a UPI link begins with upi:// or gpay://');
  const shown = document.createElement('a');
  shown.href = url;
  shown.textContent = text;
  return shown;
}
