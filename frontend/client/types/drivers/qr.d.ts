/**
 * A QR code of a text: bytes, error correction M, versions 1 to 20 (up to 666 bytes).
 *
 * Facts: ISO/IEC 18004:2015, its tables 1 and 9 and its annexes C, D and E.
 */
/**
 * The code as a picture with a name.
 *
 * @param {string} text
 * @param {string} label
 * @returns {HTMLElement}
 */
export declare function drawQr(text: string, label: string): HTMLElement;
/**
 * Rows of modules, true for dark. Raises `RangeError` for a text that is too long.
 *
 * @param {string} text
 * @param {number} [mask] the one with the fewest traps for a camera, unless told
 * @returns {boolean[][]}
 */
export declare function encodeQr(text: string, mask?: number): boolean[][];
