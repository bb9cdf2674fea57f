/** Every refusal and every failure, as one kind of error with a stable code. */
export type Problem = import('./api.js').Problem;
export type FieldError = import('./api.js').FieldError;
export type Messages = import('./messages/en.js').Messages;
/** @typedef {import('./api.js').Problem} Problem */
/** @typedef {import('./api.js').FieldError} FieldError */
/** @typedef {import('./messages/en.js').Messages} Messages */
/**
 * Codes of our own, beside those of the API: nobody answered, or not in time, or the caller gave
 * up, or what answered was not Batua, or there was no token, or no way to the provider.
 */
export declare const CLIENT_CODES: readonly ['network', 'timeout', 'aborted', 'unreadable_answer', 'token_unavailable', 'checkout_unavailable'];
export declare class BatuaError extends Error {
    code: string;
    status: number;
    detail: string;
    errors: import("./api.js").FieldError[];
    retryAfterMs: number | null;
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
    constructor({ code, status, detail, errors, retryAfterMs, messages, cause, }: {
        code: string;
        status?: number;
        detail?: string;
        errors?: FieldError[];
        retryAfterMs?: number | null;
        messages?: Messages;
        cause?: unknown;
    });
    /** Whether the same call may succeed later. For a payment: with the key that it had. */
    get isRetryable(): boolean;
    /**
     * Whether this ends what the customer wanted. After anything else the first try may have been
     * done all the same, so its key is kept: a refused token says nothing about it, nor does a proxy.
     */
    get isFinal(): boolean;
}
/**
 * An answer that is not 2xx as an error.
 *
 * @param {Response} response
 * @param {{ now: () => number, messages?: Messages }} known
 * @returns {Promise<BatuaError>}
 */
export declare function errorOf(response: Response, { now, messages }: {
    now: () => number;
    messages?: Messages;
}): Promise<BatuaError>;
