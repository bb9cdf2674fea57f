/** A provider's own page, in a window beside the shop's or in this tab. */
export type Drive = import('./index.js').Drive;
export type End = import('./index.js').End;
/** @param {Drive} drive @returns {Promise<End>} */
export declare function payOnPage({ checkout, pending, mode, isPaid }: Drive): Promise<End>;
/**
 * An address that a browser may be sent to: never a script. Raises `TypeError`.
 *
 * @param {unknown} url
 */
export declare function webAddress(url: unknown): string;
