/** A drawer at the page's edge: a dialog that the keyboard and readers know as one. */

import { h } from '/batua/element/dom.js';

import { part } from './telling.js';

/**
 * The button opens it, and its content is made anew each time.
 *
 * @param {string} name of the dialog; its button is `<name>-button`, its heading `<name>-title`
 * @param {string} title
 * @param {() => Promise<Node[]>} content
 */
export function drawer(name, title, content) {
  const dialog = /** @type {HTMLDialogElement} */ (part(name));
  const body = h('div', { class: 'stack' });
  const close = h('button', { type: 'button', class: 'close', onclick: () => dialog.close() }, '×');
  close.setAttribute('aria-label', 'Close');
  dialog.append(h('header', {}, h('h2', { id: `${name}-title` }, title), close), body);
  // Whoever taps beside it wants it gone: only the backdrop is the dialog itself.
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close());
  part(`${name}-button`).addEventListener('click', async () => {
    body.replaceChildren(h('p', { role: 'status' }, 'One moment…'));
    dialog.showModal();
    try {
      body.replaceChildren(...(await content()));
    } catch {
      const sentence = 'The demo does not answer. Is it still running? Close this and try again.';
      body.replaceChildren(h('p', { role: 'alert' }, sentence));
    }
  });
}
