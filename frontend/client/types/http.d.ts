/** One call of the API: sent in time, tried again where that is safe, and its answer read. */
import { OPERATIONS } from './api.js';
import { BatuaError } from './errors.js';
export type Environment = import('./environment.js').Environment;
export type Messages = import('./messages/en.js').Messages;
export type Tokens = import('./tokens.js').Tokens;
export type OperationId = keyof typeof OPERATIONS;
export type CallOptions = {
    /**
     * stops waiting; a payment that was sent is not taken back
     */
    signal?: AbortSignal;
    /**
     * of each try
     */
    timeoutMs?: number;
};
export type Call = CallOptions & {
    path?: Record<string, string>;
    query?: Record<string, string | number | undefined>;
    body?: object;
    key?: string;
    accept?: string;
    headers?: Record<string, string>;
    isRepeatable?: boolean;
};
export type Retrying = {
    triesMax: number;
    /**
     * the longest wait before the second try; it doubles with each
     */
    firstMs: number;
    /**
     * no wait is longer, and a `Retry-After` beyond it ends the tries
     */
    waitMsMax: number;
};
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
export declare const RETRYING: Retrying;
/** Longer than the API waits for the first of two equal requests. */
export declare const TIMEOUT_MS = 15000;
export declare class Http {
    #private;
    baseUrl: string;
    tokens: import("./tokens.js").Tokens;
    environment: import("./environment.js").Environment;
    messages: import("./messages/en.js").Messages;
    retrying: Retrying;
    timeoutMs: number;
    /**
     * @param {object} known
     * @param {string} known.baseUrl ends in `/api/v1`
     * @param {Tokens} known.tokens
     * @param {Environment} known.environment
     * @param {Messages} known.messages
     * @param {Retrying} known.retrying
     * @param {number} known.timeoutMs
     */
    constructor({ baseUrl, tokens, environment, messages, retrying, timeoutMs }: {
        baseUrl: string;
        tokens: Tokens;
        environment: Environment;
        messages: Messages;
        retrying: Retrying;
        timeoutMs: number;
    });
    /**
     * The answer's JSON, or its text where another form was asked for. Raises `BatuaError`.
     *
     * @param {OperationId} operation
     * @param {Call} [call]
     * @returns {Promise<any>}
     */
    call(operation: OperationId, call?: Call): Promise<any>;
    /**
     * A response whose head has come, with the token renewed once if it was refused. For streams,
     * and below for whole answers.
     *
     * @param {OperationId} operation
     * @param {Call} call
     * @param {AbortSignal} signal
     * @returns {Promise<Response>}
     */
    open(operation: OperationId, call: Call, signal: AbortSignal): Promise<Response>;
    /** @param {Response} response */
    refusal(response: Response): Promise<BatuaError>;
    /** @param {string} code @param {unknown} [cause] */
    error(code: string, cause?: unknown): BatuaError;
}
