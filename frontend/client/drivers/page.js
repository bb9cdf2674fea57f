/** A provider's own page, in a window beside the shop's or in this tab. */

import { tagOf } from '../pending.js';
import { awaitReturn } from '../returning.js';

/** @typedef {import('./index.js').Drive} Drive */
/** @typedef {import('./index.js').End} End */

const FEATURES = 'popup,width=480,height=720';
const LOOK_EVERY_MS = 250;

/** @param {Drive} drive @returns {Promise<End>} */
export async function payOnPage({ checkout, pending, mode, isPaid }) {
  const url = webAddress(checkout.url);
  // It keeps its opener, which may close it only so: the provider is no stranger.
  const page = wantsWindow(mode) ? window.open(url, '_blank', FEATURES) : null;
  if (!page) {
    location.assign(url);
    return { kind: 'left' };
  }
  const tag = tagOf(pending.return_url) ?? '';
  /** @type {(() => void)[]} */
  const endings = [];
  try {
    return await new Promise((/** @type {(end: End) => void} */ resolve) => {
      endings.push(awaitReturn(tag, (proof) => resolve({ kind: 'back', proof })));
      const timer = setInterval(() => page.closed && resolve({ kind: 'back' }), LOOK_EVERY_MS);
      endings.push(() => clearInterval(timer));
      void isPaid.then(() => resolve({ kind: 'back' }));
    });
  } finally {
    for (const end of endings) end();
    page.close();
  }
}

/** @param {'auto' | 'window' | 'tab'} mode */
function wantsWindow(mode) {
  return mode === 'window' || (mode === 'auto' && matchMedia('(pointer: fine)').matches);
}

/**
 * An address that a browser may be sent to: never a script. Raises `TypeError`.
 *
 * @param {unknown} url
 */
export function webAddress(url) {
  const address = new URL(String(url));
  if (address.protocol !== 'https:' && address.protocol !== 'http:') {
    throw new TypeError(`a page to pay on is http or https, not ${address.protocol}`);
  }
  return String(address);
}
