/** One sentence at a time, at the foot of the page. */

import { BatuaError } from '/batua/client/index.js';

const LASTS_MS = 8000;

/** @param {string} id @returns {HTMLElement} */
export function part(id) {
  const found = document.getElementById(id);
  if (!found) throw new TypeError(`the page has no #${id}`);
  return found;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** What went well, or is only to be known. It goes away by itself. @param {string} sentence */
export function tell(sentence) {
  show(sentence, '');
  timer = setTimeout(hide, LASTS_MS);
}

/** What went wrong. It stays until it is closed. @param {unknown} error */
export function complain(error) {
  if (error instanceof BatuaError) return show('', error.message);
  show('', 'Something went wrong in the demo shop. Please reload the page.');
  reportError(error);
}

export function hide() {
  clearTimeout(timer);
  part('told').hidden = true;
}

/** @param {string} status @param {string} alert */
function show(status, alert) {
  clearTimeout(timer);
  part('told').hidden = false;
  part('told').classList.toggle('bad', alert !== '');
  part('told-status').textContent = status;
  part('told-alert').textContent = alert;
}

part('told-close').addEventListener('click', hide);
