/** The language of the element: its own `lang`, or that of what it stands in. English otherwise. */

import { en } from '../client/messages/en.js';
import { words } from './words/en.js';

/** @typedef {import('../client/messages/en.js').Messages} Messages */
/** @typedef {import('./words/en.js').Words} Words */

/** @param {Element} element @returns {Promise<{ words: Words, messages: Messages }>} */
export async function languageOf(element) {
  const wanted = element.closest('[lang]')?.getAttribute('lang') ?? '';
  if (!/^hi\b/i.test(wanted)) return { words, messages: en };
  const [own, client] = await Promise.all([
    import('./words/hi.js'),
    import('../client/messages/hi.js'),
  ]);
  return { words: own.words, messages: client.hi };
}
