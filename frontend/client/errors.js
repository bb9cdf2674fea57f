/** Every refusal and every failure, as one kind of error with a stable code. */

import { en } from './messages/en.js';

/** @typedef {import('./api.js').Problem} Problem */
/** @typedef {import('./api.js').FieldError} FieldError */
/** @typedef {import('./messages/en.js').Messages} Messages */

/**
 * Codes of our own, beside those of the API: nobody answered, or not in time, or the caller gave
 * up, or what answered was not Batua, or there was no token, or no way to the provider.
 */
export const CLIENT_CODES = /** @type {const} */ ([
  'network',
  'timeout',
  'aborted',
  'unreadable_answer',
  'token_unavailable',
  'checkout_unavailable',
]);

const RETRYABLE = new Set(['network', 'timeout', 'in_progress', 'internal_error']);
const RETRYABLE_STATUSES = new Set([429, 503, 504]);

export class BatuaError extends Error {
  /**
   * @param {object} told
   * @param {string} told.code the API's stable code, or one of `CLIENT_CODES`
   * @param {number} [told.status] 0 where nobody answered
   * @param {string} [told.detail] the API's own sentence, in English
   * @param {FieldError[]} [told.errors] which fields don't fit, by JSON pointer
   * @param {number | null} [told.retryAfterMs]
   * @param {Messages} [told.messages] where `message` comes from
   * @param {unknown} [told.cause]
   */
  constructor({
    code,
    status = 0,
    detail = '',
    errors = [],
    retryAfterMs = null,
    messages = en,
    cause,
  }) {
    super(messages.errors[code] ?? messages.errors.unknown, { cause });
    this.name = 'BatuaError';
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same call may succeed later. For a payment: with the key that it had. */
  get isRetryable() {
    const isOfProxy = this.code === 'unreadable_answer' && this.status >= 500;
    return RETRYABLE.has(this.code) || RETRYABLE_STATUSES.has(this.status) || isOfProxy;
  }

  /**
   * Whether this ends what the customer wanted. After anything else the first try may have been
   * done all the same, so its key is kept: a refused token says nothing about it, nor does a proxy.
   */
  get isFinal() {
    const isAnswered = this.status >= 400 && this.code !== 'unreadable_answer';
    return isAnswered && !this.isRetryable && this.status !== 401 && this.status !== 403;
  }
}

/**
 * An answer that is not 2xx as an error.
 *
 * @param {Response} response
 * @param {{ now: () => number, messages?: Messages }} known
 * @returns {Promise<BatuaError>}
 */
export async function errorOf(response, { now, messages }) {
  /** @type {Partial<Problem>} */
  let problem = {};
  try {
    problem = (await response.json()) ?? {};
  } catch {
    // A proxy answered, in words of its own.
  }
  const isOurs = typeof problem.code === 'string';
  return new BatuaError({
    code: isOurs ? String(problem.code) : 'unreadable_answer',
    status: response.status,
    detail: isOurs ? String(problem.detail ?? '') : '',
    errors: problem.errors ?? [],
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), now()),
    messages,
  });
}

/** @param {string | null} header seconds, or a date @param {number} now @returns {number | null} */
function retryAfterMs(header, now) {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
