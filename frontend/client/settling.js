/** From what the browser knows of a payment to what the API says of it. */

import { BatuaError } from './errors.js';
import { ofOrder, ofTopUp } from './outcomes.js';

/** @typedef {import('./client.js').BatuaClient} BatuaClient */
/** @typedef {import('./outcomes.js').Outcome} Outcome */
/** @typedef {import('./pending.js').Pending} Pending */
/** @typedef {import('./returning.js').Proof} Proof */

/** A webhook may be on its way: waits between two looks. Without a proof most likely none is. */
const LOOKS_MS = [300, 700, 1000, 1500, 2500];
const LOOKS_WITHOUT_PROOF = 2;

const OPEN = new Set(['abandoned', 'processing']);

/**
 * The end of a payment. What a browser brings is never believed: the API asks the provider. Raises
 * `BatuaError` where nobody can be asked; the payment is kept, to be asked for later.
 *
 * @param {BatuaClient} client
 * @param {Pending} pending
 * @param {Proof} [proof]
 * @returns {Promise<Outcome>}
 */
export async function settle(client, pending, proof = {}) {
  const hasProof = Object.keys(proof).length > 0;
  const confirmed = hasProof ? await confirm(client, pending, proof) : null;
  let outcome = confirmed ?? (await look(client, pending));
  for (const wait of hasProof ? LOOKS_MS : LOOKS_MS.slice(0, LOOKS_WITHOUT_PROOF)) {
    if (!OPEN.has(outcome.kind)) break;
    await client.environment.sleep(wait);
    outcome = await look(client, pending);
  }
  client.pending.remove(pending);
  return outcome;
}

/**
 * How it stands now.
 *
 * @param {BatuaClient} client
 * @param {Pending} pending
 * @returns {Promise<Outcome>}
 */
export async function look(client, pending) {
  if (pending.kind === 'top_up') return ofTopUp(client, await client.readTopUp(pending.id));
  return ofOrder(client, await client.order(pending.id));
}

/**
 * What the API makes of the proof, or null where it proves nothing.
 *
 * @param {BatuaClient} client
 * @param {Pending} pending
 * @param {Proof} proof
 * @returns {Promise<Outcome | null>}
 */
async function confirm(client, { kind, id, payment }, proof) {
  try {
    if (kind === 'top_up') return ofTopUp(client, await client.confirmTopUp(id, proof));
    const paid = await client.confirmOrderPayment(id, String(payment), proof);
    return ofOrder(client, paid.order, paid.payment.status);
  } catch (error) {
    if (error instanceof BatuaError && error.isFinal) return null;
    throw error;
  }
}
