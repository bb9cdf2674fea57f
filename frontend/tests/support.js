/** What the tests bring in the place of a browser: a clock, a network, and a live shop. */

import { webcrypto } from 'node:crypto';

import { BatuaClient, MemoryStore } from '../client/index.js';

// Browsers have it, and Node from its version 19.
globalThis.crypto ??= /** @type {any} */ (webcrypto);

/** A clock that nobody waits for: whoever sleeps is woken at once, and the time has passed. */
export function fakeClock() {
  const clock = {
    ms: 1_700_000_000_000,
    slept: /** @type {number[]} */ ([]),
    now: () => clock.ms,
    random: () => 0.5,
    /** @param {number} ms @param {AbortSignal | null} [signal] */
    async sleep(ms, signal) {
      if (ms >= 15_000)
        return new Promise((wake) => signal?.addEventListener('abort', () => wake()));
      clock.slept.push(ms);
      clock.ms += ms;
      await new Promise((wake) => setImmediate(wake));
    },
  };
  return clock;
}

/**
 * A network that answers what it was told, call by call, and keeps what it was asked.
 *
 * @param {...(Response | Error | (() => Response | Promise<Response>))} answers
 */
export function fakeNetwork(...answers) {
  /** @type {{ url: string, init: any }[]} */
  const asked = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    asked.push({ url: String(url), init });
    const next = answers.shift();
    if (next === undefined) throw new Error(`nobody expected a call of ${url}`);
    if (next instanceof Error) throw next;
    return typeof next === 'function' ? next() : next;
  };
  return { asked, fetch };
}

/** @param {unknown} body @param {number} [status] @param {Record<string, string>} [headers] */
export function json(body, status = 200, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers });
}

/** @param {number} status @param {string} code @param {Record<string, string>} [headers] */
export function problem(status, code, headers = {}) {
  const type = `urn:batua:problem:${code}`;
  return json({ type, title: 'No', status, code, detail: `It is ${code}.` }, status, headers);
}

/**
 * A client of a fake network.
 *
 * @param {any} network
 * @param {Partial<import('../client/client.js').ClientOptions>} [options]
 */
export function fakeClient(network, options = {}) {
  const clock = fakeClock();
  const tab = new MemoryStore();
  const client = new BatuaClient({
    baseUrl: 'https://shop.example/api/v1',
    token: 't1',
    stores: { tab, site: new MemoryStore() },
    environment: { ...clock, fetch: network.fetch },
    ...options,
  });
  return { client, clock, tab };
}

/** The shop that the tests were started for. */
export const shop = {
  base: process.env.BATUA_SHOP ?? '',
  api: `${process.env.BATUA_SHOP}/api/v1`,
  tokens: JSON.parse(process.env.BATUA_TOKENS ?? '{}'),
};

/**
 * A client of the live shop, as its own tab. @param {string} customer
 * @param {Partial<import('../client/client.js').ClientOptions>} [options]
 */
export function liveClient(customer, options = {}) {
  const stores = { tab: new MemoryStore(), site: new MemoryStore() };
  return new BatuaClient({ baseUrl: shop.api, token: shop.tokens[customer], stores, ...options });
}

/** Pay at the simulator, as its customer would. @param {any} checkout @param {string} [outcome] */
export async function payAtProvider(checkout, outcome = 'captured') {
  const answer = await fetch(`${shop.base}/simulators/razorpay/_control/pay`, {
    method: 'POST',
    body: JSON.stringify({ reference: checkout.provider_reference, outcome }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Until it is so. @template T @param {() => Promise<T | false>} look @returns {Promise<T>} */
export async function until(look) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await look();
    if (found !== false) return found;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error('it was not so within five seconds');
}

let orders = 0;

/** An order's number that nobody has used. */
export const newReference = () => `JS-${process.pid}-${(orders += 1)}`;
