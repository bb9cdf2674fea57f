/** Providers' own scripts: these and no others, each loaded once and only when it is needed. */

/**
 * Razorpay: razorpay.com/docs/payments/payment-gateway/web-integration/standard. Google:
 * developers.google.com/pay/api/web/guides/tutorial. Both read 2026-11-28.
 */
export const SCRIPTS = /** @type {const} */ ({
  razorpay: 'https://checkout.razorpay.com/v1/checkout.js',
  google: 'https://pay.google.com/gp/p/js/pay.js',
});

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * Raises `TypeError` where the script can't be had: offline, or the page's policy forbids it.
 *
 * @param {keyof typeof SCRIPTS} name
 * @returns {Promise<void>}
 */
export function loadScript(name) {
  const known = loading.get(name);
  if (known) return known;
  const loaded = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const script = document.createElement('script');
    script.src = SCRIPTS[name];
    script.async = true;
    script.onload = () => resolve();
    script.onerror = () => {
      loading.delete(name); // the next tap asks again
      script.remove();
      reject(new TypeError(`${SCRIPTS[name]} could not be loaded`));
    };
    document.head.append(script);
  });
  loading.set(name, loaded);
  return loaded;
}
