/** What the customer is told: how something ended, what went wrong, and what a driver shows. */

import { h } from './dom.js';

/** @typedef {(name: string) => string} Translate */

const GOOD = new Set(['added', 'paid']);
const BAD = new Set(['failed', 'expired']);

export class Teller {
  // Both are there before anything is told: only then a screen reader says what comes into them.
  #status = h('p', { role: 'status' });
  #alert = h('p', { role: 'alert' });
  #more = h('div', { class: 'stack' });
  #told = h(
    'div',
    { part: 'message', class: 'told', hidden: true },
    this.#status,
    this.#alert,
    this.#more,
  );

  /** @param {Translate} t */
  constructor(t) {
    this.t = t;
    this.box = this.#told;
  }

  /** @param {string} message @param {'' | 'good' | 'bad'} [tone] */
  tell(message, tone = '') {
    this.#set({ status: message, tone });
  }

  /** @param {import('../client/outcomes.js').Outcome | null} outcome null has nothing to tell */
  outcome(outcome) {
    const { kind, message } = outcome ?? { kind: '', message: '' };
    this.tell(message, GOOD.has(kind) ? 'good' : BAD.has(kind) ? 'bad' : '');
  }

  /** @param {string} message @param {() => void} [again] */
  complain(message, again) {
    this.#set({ alert: message, tone: 'bad' });
    if (!again) return;
    const text = this.t('try_again');
    this.#more.append(h('button', { type: 'button', part: 'button', onclick: again }, text));
  }

  /** @type {import('../client/drivers/index.js').Show} */
  show = (content, onClose) => {
    this.#more.replaceChildren(content);
    this.#told.hidden = false;
    content.querySelector('button')?.focus();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      content.remove();
      onClose();
    };
  };

  /** @param {{ status?: string, alert?: string, tone: string }} told */
  #set({ status = '', alert = '', tone }) {
    this.#told.hidden = !(status || alert);
    this.#told.className = `told ${tone}`;
    this.#status.textContent = status;
    this.#alert.textContent = alert;
    this.#more.replaceChildren();
  }
}
