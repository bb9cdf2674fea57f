/** What the methods of a client stand on: its connection, its intents and its open payments. */

import { environment } from './environment.js';
import { BatuaError } from './errors.js';
import { Http, RETRYING, TIMEOUT_MS } from './http.js';
import { Intents } from './intents.js';
import { en } from './messages/en.js';
import { PendingPayments } from './pending.js';
import { siteStore, tabStore } from './stores.js';
import { Tokens } from './tokens.js';

/** @typedef {import('./http.js').CallOptions} CallOptions */
/** @typedef {import('./http.js').OperationId} OperationId */
/** @typedef {Pick<import('./pending.js').Pending, 'kind' | 'id' | 'payment'>} Paid */
/** @typedef {import('./stores.js').Store} Store */

/**
 * @typedef {object} ClientOptions
 * @property {string} [baseUrl] where the API is: `/api/v1` of this page's own host by default
 * @property {import('./tokens.js').TokenSource} [token] the customer's, or a function that fetches
 *   one; without it the shop's own session says who calls
 * @property {import('./messages/en.js').Messages} [messages] a language; English by default
 * @property {string} [locale] how amounts are written: `en-IN`, `hi-IN` by default
 * @property {{ tab?: Store, site?: Store }} [stores] where keys and open payments are kept
 * @property {number} [timeoutMs] of each try
 * @property {Partial<import('./http.js').Retrying>} [retrying]
 * @property {Partial<import('./environment.js').Environment>} [environment]
 */

export class Session {
  /** @param {ClientOptions} [options] */
  constructor({
    baseUrl = '/api/v1',
    token = '',
    messages = en,
    locale,
    stores = {},
    timeoutMs = TIMEOUT_MS,
    retrying = {},
    environment: own,
  } = {}) {
    const known = environment(own);
    this.messages = messages;
    this.locale = locale ?? `${messages.language}-IN`;
    this.environment = known;
    this.pending = new PendingPayments(stores.site ?? siteStore(), known.now);
    this.tab = stores.tab ?? tabStore();
    this.intents = new Intents(this.tab, known);
    this.http = new Http({
      baseUrl,
      tokens: new Tokens(token),
      environment: known,
      messages,
      retrying: { ...RETRYING, ...retrying },
      timeoutMs,
    });
  }

  /**
   * Do what moves money once, however often it is asked for. It is never aborted: several may wait
   * for it, and what was sent is done all the same.
   *
   * @param {OperationId} operation
   * @param {Record<string, string>} path
   * @param {object} body
   * @param {CallOptions} [options]
   * @param {(answer: any) => Paid} [opened] what the answer's `checkout` is to be paid for
   * @returns {Promise<any>}
   */
  once(operation, path, body, { signal, timeoutMs } = {}, opened) {
    if (signal?.aborted) return Promise.reject(this.http.error('aborted'));
    const done = this.intents.once(
      [operation, ...Object.values(path)].join(' '),
      /** @type {Record<string, unknown>} */ (body),
      async (intent) => {
        const call = { path, body: intent.body, key: intent.key, timeoutMs };
        const answer = await this.http.call(operation, call);
        if (answer.checkout && opened) this.#keep(opened(answer), answer.checkout, intent.body);
        return answer;
      },
      (error) => error instanceof BatuaError && error.isFinal,
    );
    return signal ? this.#unlessAborted(done, signal) : done;
  }

  /**
   * @param {Paid} opened
   * @param {Record<string, any>} checkout
   * @param {Record<string, any>} sent
   */
  #keep(opened, { gateway, provider_reference: reference }, sent) {
    this.pending.add({ ...opened, gateway, reference, return_url: sent.return_url });
  }

  /** @template T @param {Promise<T>} done @param {AbortSignal} signal @returns {Promise<T>} */
  #unlessAborted(done, signal) {
    return new Promise((resolve, reject) => {
      const stop = () => reject(this.http.error('aborted'));
      signal.addEventListener('abort', stop, { once: true });
      done.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }
}
