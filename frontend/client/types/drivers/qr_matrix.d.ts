/** Where the modules of a QR code go, and which of them are dark. */
/** Which modules a mask turns over. @type {((x: number, y: number) => boolean)[]} */
export declare const MASKS: ((x: number, y: number) => boolean)[];
export type Rows = (boolean | undefined)[][];
/** @typedef {(boolean | undefined)[][]} Rows undefined where nothing is drawn yet */
/**
 * @param {number[]} codewords
 * @param {number} version
 * @param {number} mask
 * @returns {boolean[][]}
 */
export declare function draw(codewords: number[], version: number, mask: number): boolean[][];
/** What is hard to read: long runs, squares of one colour. @param {boolean[][]} rows */
export declare function penalty(rows: boolean[][]): number;
