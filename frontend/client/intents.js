/**
 * What a customer wants once, and the idempotency key that it has.
 *
 * The key is made before the first try and kept until an answer ends it: a double tap, a reload or
 * a lost answer sends the same request with the same key again, and the API does it once. An
 * intent is its route and its body; where the customer comes back to is a part of neither.
 */

import { readJson } from './stores.js';

/** @typedef {import('./stores.js').Store} Store */
/** @typedef {Record<string, unknown>} Body */

/**
 * @typedef {object} Intent
 * @property {string} key the `Idempotency-Key`
 * @property {Body} body as it was sent first: a repetition must not differ in a letter
 * @property {number} at when it was first wanted, in milliseconds since 1970
 */

const LETTERS = 'abcdefghijklmnop';
const KEY_LENGTH = 32; // 128 bits

/** After this a same tap is a new wish: a checkout that is older is about to expire. */
export const INTENT_LIFE_MS = 30 * 60 * 1000;

export class Intents {
  /** @type {Map<string, Promise<any>>} */
  #running = new Map();

  /**
   * @param {Store} store of this tab
   * @param {{ now: () => number, newKey?: () => string }} known
   */
  constructor(store, { now, newKey = newIdempotencyKey }) {
    this.store = store;
    this.now = now;
    this.newKey = newKey;
  }

  /**
   * Do what is wanted, unless it is being done: then its end is waited for.
   *
   * @template T
   * @param {string} route
   * @param {Body} body
   * @param {(intent: Intent) => Promise<T>} send
   * @param {(error: unknown) => boolean} isFinal
   * @returns {Promise<T>}
   */
  once(route, body, send, isFinal) {
    const name = nameOf(route, body);
    const known = this.#running.get(name);
    if (known) return known;
    const running = this.#run(name, body, send, isFinal).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  /**
   * @template T
   * @param {string} name
   * @param {Body} body
   * @param {(intent: Intent) => Promise<T>} send
   * @param {(error: unknown) => boolean} isFinal
   * @returns {Promise<T>}
   */
  async #run(name, body, send, isFinal) {
    try {
      const answer = await send(this.#begin(name, body));
      this.store.removeItem(name);
      return answer;
    } catch (error) {
      if (isFinal(error)) this.store.removeItem(name);
      throw error;
    }
  }

  /** @param {string} name @param {Body} body @returns {Intent} */
  #begin(name, body) {
    const kept = readJson(this.store, name);
    if (kept?.key && kept.body && this.now() - kept.at < INTENT_LIFE_MS) return kept;
    const intent = { key: this.newKey(), body, at: this.now() };
    this.store.setItem(name, JSON.stringify(intent));
    return intent;
  }
}

/**
 * Letters alone: in a run of digits the API might see a card's number, and refuse it.
 *
 * @returns {string}
 */
export function newIdempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_LENGTH / 2));
  return Array.from(bytes, (byte) => LETTERS[byte >> 4] + LETTERS[byte & 15]).join('');
}

/** @param {string} route @param {Body} body @returns {string} */
function nameOf(route, { return_url: _, ...wanted }) {
  const fields = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return `batua.intent ${route} ${JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
