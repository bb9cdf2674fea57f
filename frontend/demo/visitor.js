/** Who visits: one of the seeded customers, in this tab. */

import { BatuaClient } from '/batua/client/index.js';

/** @typedef {{ id: string, name: string, phone: string }} Customer */
/** @typedef {{ code: string, name: string, url: string, has_books: boolean }} Provider */

/**
 * @typedef {object} About
 * @property {string} base where the demo's own pages are
 * @property {Customer[]} customers
 * @property {Provider[]} providers
 */

const WHO = 'demo.customer';

/** @returns {Promise<About>} */
export async function readAbout() {
  const answer = await fetch('/demo/about.json');
  if (!answer.ok) throw new Error(`/demo/about.json answered ${answer.status}`);
  return answer.json();
}

/**
 * What the demo tells nobody but its own page. Raises where it does not answer.
 *
 * @param {string} path
 * @param {object} [body]
 */
export async function askDemo(path, body = {}) {
  const answer = await fetch(`/demo/${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`/demo/${path} answered ${answer.status}`);
  return answer.json();
}

/** A function that fetches the customer's token: the client calls it again when it has expired. */
export const tokenOf =
  (/** @type {Customer} */ { id }) =>
  async () =>
    (await askDemo('session', { customer: id })).token;

/** @param {Customer} customer */
export const clientOf = (customer) => new BatuaClient({ token: tokenOf(customer) });

/**
 * Whom this tab has chosen; a window that comes back from a provider knows the last of all tabs.
 *
 * @param {Customer[]} customers
 */
export function chosen(customers) {
  const id = sessionStorage.getItem(WHO) ?? localStorage.getItem(WHO);
  return customers.find((each) => each.id === id) ?? null;
}

/** @param {Customer} customer */
export function choose({ id }) {
  sessionStorage.setItem(WHO, id);
  localStorage.setItem(WHO, id);
}

/**
 * Somebody else sits down here: this tab forgets what it had begun. Whatever was paid all the same
 * is credited to whoever began it, by the provider's webhook.
 */
export function leave() {
  sessionStorage.clear();
  localStorage.removeItem(WHO);
}
