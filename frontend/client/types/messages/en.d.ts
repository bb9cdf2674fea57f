/** What people read, in English. One file a language: every name of this one is in the others. */
export type Messages = {
    /**
     * as in `<html lang>`
     */
    language: string;
    /**
     * by `BatuaError.code`
     */
    errors: Record<string, string>;
    /**
     * how a payment ended; `{amount}` is written out
     */
    outcomes: Record<string, string>;
    /**
     * on what a driver shows
     */
    words: Record<string, string>;
};
/**
 * @typedef {object} Messages
 * @property {string} language as in `<html lang>`
 * @property {Record<string, string>} errors by `BatuaError.code`
 * @property {Record<string, string>} outcomes how a payment ended; `{amount}` is written out
 * @property {Record<string, string>} words on what a driver shows
 */
/** @type {Messages} */
export declare const en: Messages;
/**
 * A sentence with its amount written out.
 *
 * @param {string} template
 * @param {Record<string, string>} values
 */
export declare function fill(template: string, values: Record<string, string>): string;
