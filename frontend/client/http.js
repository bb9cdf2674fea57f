/** One call of the API: sent in time, tried again where that is safe, and its answer read. */

import { OPERATIONS } from './api.js';
import { BatuaError, errorOf } from './errors.js';

/** @typedef {import('./environment.js').Environment} Environment */
/** @typedef {import('./messages/en.js').Messages} Messages */
/** @typedef {import('./tokens.js').Tokens} Tokens */
/** @typedef {keyof typeof OPERATIONS} OperationId */

/**
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal] stops waiting; a payment that was sent is not taken back
 * @property {number} [timeoutMs] of each try
 */

/**
 * @typedef {CallOptions & {
 *   path?: Record<string, string>,
 *   query?: Record<string, string | number | undefined>,
 *   body?: object,
 *   key?: string,
 *   accept?: string,
 *   headers?: Record<string, string>,
 *   isRepeatable?: boolean,
 * }} Call
 */

/**
 * @typedef {object} Retrying
 * @property {number} triesMax
 * @property {number} firstMs the longest wait before the second try; it doubles with each
 * @property {number} waitMsMax no wait is longer, and a `Retry-After` beyond it ends the tries
 */

/** @type {Retrying} */
export const RETRYING = { triesMax: 4, firstMs: 400, waitMsMax: 10_000 };

/** Longer than the API waits for the first of two equal requests. */
export const TIMEOUT_MS = 15_000;

export class Http {
  /**
   * @param {object} known
   * @param {string} known.baseUrl ends in `/api/v1`
   * @param {Tokens} known.tokens
   * @param {Environment} known.environment
   * @param {Messages} known.messages
   * @param {Retrying} known.retrying
   * @param {number} known.timeoutMs
   */
  constructor({ baseUrl, tokens, environment, messages, retrying, timeoutMs }) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
    this.tokens = tokens;
    this.environment = environment;
    this.messages = messages;
    this.retrying = retrying;
    this.timeoutMs = timeoutMs;
  }

  /**
   * The answer's JSON, or its text where another form was asked for. Raises `BatuaError`.
   *
   * @param {OperationId} operation
   * @param {Call} [call]
   * @returns {Promise<any>}
   */
  async call(operation, call = {}) {
    const isRepeatable = OPERATIONS[operation].method === 'GET' || call.key || call.isRepeatable;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#try(operation, call);
      } catch (error) {
        const wait = isRepeatable ? this.#waitMs(error, tries) : null;
        if (wait === null) throw error;
        await this.environment.sleep(wait, call.signal);
      }
    }
  }

  /**
   * A response whose head has come, with the token renewed once if it was refused. For streams,
   * and below for whole answers.
   *
   * @param {OperationId} operation
   * @param {Call} call
   * @param {AbortSignal} signal
   * @returns {Promise<Response>}
   */
  async open(operation, call, signal) {
    if (signal.aborted) throw this.error('aborted');
    const token = await this.#token(() => this.tokens.current());
    const first = await this.#fetch(operation, call, token, signal);
    if (first.status !== 401 || !this.tokens.canRenew) return first;
    const renewed = await this.#token(() => this.tokens.renewed(token));
    return this.#fetch(operation, call, renewed, signal);
  }

  /** @param {OperationId} operation @param {Call} call */
  async #try(operation, call) {
    const { signal = null, timeoutMs = this.timeoutMs } = call;
    const stopper = new AbortController();
    const ended = new AbortController();
    const given = new Promise((_, giveUp) => {
      const stop = /** @param {string} code */ (code) => {
        if (ended.signal.aborted) return;
        giveUp(this.error(code));
        stopper.abort();
      };
      const abort = () => stop('aborted');
      signal?.addEventListener('abort', abort);
      ended.signal.addEventListener('abort', () => signal?.removeEventListener('abort', abort));
      void this.environment.sleep(timeoutMs, ended.signal).then(() => stop('timeout'));
      if (signal?.aborted) abort();
    });
    try {
      return await Promise.race([given, this.#answer(operation, call, stopper.signal)]);
    } catch (cause) {
      throw cause instanceof BatuaError ? cause : this.error('network', cause);
    } finally {
      ended.abort();
    }
  }

  /** @param {OperationId} operation @param {Call} call @param {AbortSignal} signal */
  async #answer(operation, call, signal) {
    const response = await this.open(operation, call, signal);
    if (!response.ok) throw await this.refusal(response);
    const text = await response.text();
    if (call.accept) return text;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.error('unreadable_answer', cause);
    }
  }

  /**
   * @param {OperationId} operation
   * @param {Call} call
   * @param {string} token
   * @param {AbortSignal} signal
   */
  #fetch(operation, { path = {}, query = {}, body, key, accept, headers }, token, signal) {
    const { method, path: template } = OPERATIONS[operation];
    const named = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name]));
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const asked = String(new URLSearchParams(given.map(([name, value]) => [name, String(value)])));
    return this.environment.fetch(`${this.baseUrl}${named}${asked && `?${asked}`}`, {
      method,
      headers: {
        Accept: accept ?? 'application/json',
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body && { 'Content-Type': 'application/json' }),
        ...(key && { 'Idempotency-Key': key }),
        ...headers,
      },
      body: body && JSON.stringify(body),
      signal,
      // Without a token it is the shop's own session that says who calls.
      credentials: token ? 'omit' : 'same-origin',
      cache: 'no-store',
    });
  }

  /** @param {() => Promise<string>} fetching */
  async #token(fetching) {
    try {
      return await fetching();
    } catch (cause) {
      throw this.error('token_unavailable', cause);
    }
  }

  /**
   * How long to wait before the next try, or null to give up.
   *
   * @param {unknown} error
   * @param {number} tries
   */
  #waitMs(error, tries) {
    const { triesMax, firstMs, waitMsMax } = this.retrying;
    if (!(error instanceof BatuaError) || !error.isRetryable || tries >= triesMax) return null;
    if ((error.retryAfterMs ?? 0) > waitMsMax) return null;
    const spread = this.environment.random() * Math.min(waitMsMax, firstMs * 2 ** (tries - 1));
    return (error.retryAfterMs ?? 0) + spread;
  }

  /** @param {Response} response */
  refusal(response) {
    return errorOf(response, { now: this.environment.now, messages: this.messages });
  }

  /** @param {string} code @param {unknown} [cause] */
  error(code, cause) {
    return new BatuaError({ code, cause, messages: this.messages });
  }
}
