/** A dialog for what a driver shows where the page has no place of its own for it. */

/** @type {import('./index.js').Show} */
export function showInDialog(content, onClose) {
  const dialog = document.createElement('dialog');
  dialog.append(content);
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose();
  });
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}

/**
 * A button of the panel's.
 *
 * @param {string} text
 * @param {() => void} onClick
 */
export function panelButton(text, onClick) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = text;
  button.addEventListener('click', onClick);
  return button;
}
