/** A customer who comes back from a provider's page, in this window or in one of its own. */

import { TAG, tagOf } from './pending.js';

/** @typedef {import('./pending.js').Pending} Pending */
/** @typedef {Record<string, string>} Proof what the provider's page gave to the browser */

const CHANNEL = 'batua.return';
const ANSWER_MS_MAX = 400;

/**
 * What an address has that we did not give the provider: that is the provider's.
 *
 * @param {string} url
 * @param {Pending[]} pending
 * @returns {{ pending: Pending, proof: Proof, tag: string } | null}
 */
export function readReturn(url, pending) {
  const tag = tagOf(url);
  const found = tag && pending.find((each) => tagOf(each.return_url) === tag);
  if (!tag || !found) return null;
  const ours = new URL(found.return_url ?? url).searchParams;
  const brought = [...new URL(url).searchParams].filter(([name]) => !ours.has(name));
  return { pending: found, proof: Object.fromEntries(brought), tag };
}

/**
 * The address of the page itself, without what a provider or we have put there.
 *
 * @param {string} url
 * @param {string | undefined} returnUrl
 */
export function ownAddress(url, returnUrl) {
  const own = new URL(returnUrl ?? url);
  own.searchParams.delete(TAG);
  own.hash = new URL(url).hash;
  return String(own);
}

/**
 * Hand what came back to the window that waits for it. False where none does: it was closed, or
 * the customer came back in the window that they had left.
 *
 * @param {string} tag
 * @param {Proof} proof
 * @returns {Promise<boolean>}
 */
export function handOver(tag, proof) {
  if (typeof BroadcastChannel === 'undefined') return Promise.resolve(false);
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise((/** @type {(isTaken: boolean) => void} */ resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_MS_MAX);
    channel.onmessage = ({ data }) => {
      if (data?.taken !== tag) return;
      clearTimeout(timer);
      resolve(true);
    };
    channel.postMessage({ returned: tag, proof });
  }).finally(() => channel.close());
}

/**
 * Wait for a window that comes back with this tag. Returns a function that ends the wait.
 *
 * @param {string} tag
 * @param {(proof: Proof) => void} take
 * @returns {() => void}
 */
export function awaitReturn(tag, take) {
  if (typeof BroadcastChannel === 'undefined') return () => {};
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    if (data?.returned !== tag) return;
    channel.postMessage({ taken: tag });
    take(data.proof);
  };
  return () => channel.close();
}
