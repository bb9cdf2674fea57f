/** A dialog for what a driver shows where the page has no place of its own for it. */
/** @type {import('./index.js').Show} */
export declare function showInDialog(content: HTMLElement, onClose: () => void): () => void;
/**
 * A button of the panel's.
 *
 * @param {string} text
 * @param {() => void} onClick
 */
export declare function panelButton(text: string, onClick: () => void): HTMLButtonElement;
