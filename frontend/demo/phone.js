/** The customer's phone: the messages that the WhatsApp simulator has taken for their number. */

import { h } from '/batua/element/dom.js';

import { part } from './telling.js';
import { whileSeen } from './watching.js';

/** @typedef {import('./visitor.js').Customer} Customer */

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} to
 * @property {string} text
 * @property {string} status
 * @property {string} created_at
 */

const NEWEST = 60;
const LOOK_EVERY_MS = 1500;

const TICKS = new Map([
  ['sent', '✓'],
  ['delivered', '✓✓'],
  ['read', '✓✓'],
  ['failed', '!'],
]);

/**
 * Show the messages as they arrive.
 *
 * @param {Customer} customer
 * @param {() => void} arrived called for a new one
 */
export function showPhone({ phone }, arrived) {
  const list = part('messages');
  const time = new Intl.DateTimeFormat('en-IN', { timeStyle: 'short' });
  let known = '';
  let newest = '';
  list.replaceChildren();
  part('phone-number').textContent = `to ${phone}`;
  whileSeen(LOOK_EVERY_MS, async () => {
    const messages = await newestFor(phone);
    const told = JSON.stringify(messages.map(({ id, status }) => [id, status]));
    if (told === known) return;
    const isFirst = known === '';
    known = told;
    const last = messages.at(-1)?.id ?? '';
    show(messages);
    if (last !== newest && !isFirst) arrived();
    newest = last;
  });

  /** @param {Message[]} messages */
  function show(messages) {
    const old = new Map([...list.children].map((each) => [each.id, each]));
    // A bubble that is there stays: only a new one is read out, and moves.
    messages.forEach((message, at) => {
      const shown = old.get(message.id) ?? bubble(message);
      tick(shown, message.status);
      if (list.children[at] !== shown) list.insertBefore(shown, list.children[at] ?? null);
    });
    while (list.children.length > messages.length) list.lastElementChild?.remove();
    const screen = /** @type {HTMLElement} */ (list.parentElement);
    screen.scrollTop = screen.scrollHeight;
    part('phone-note').hidden = messages.length > 0;
  }

  /** @param {Message} message */
  function bubble({ id, text, created_at }) {
    const when = time.format(new Date(created_at));
    const ticks = h('span', { class: 'ticks' });
    return h('li', { id, class: 'bubble' }, text, h('small', {}, when, ' ', ticks));
  }
}

/** @param {Element} bubble @param {string} status */
function tick(bubble, status) {
  const ticks = bubble.querySelector('.ticks');
  if (!ticks || ticks.getAttribute('aria-label') === status) return;
  ticks.textContent = TICKS.get(status) ?? '·';
  ticks.className = `ticks ${status}`;
  ticks.setAttribute('role', 'img');
  ticks.setAttribute('aria-label', status);
}

/** Oldest first. @param {string} phone @returns {Promise<Message[]>} */
async function newestFor(phone) {
  const url = `/simulators/whatsapp/_control/messages?newest=${NEWEST}`;
  const { messages } = await (await fetch(url)).json();
  const digits = phone.replace(/\D/g, '');
  return messages.filter((/** @type {Message} */ { to }) => to.replace(/\D/g, '') === digits);
}
