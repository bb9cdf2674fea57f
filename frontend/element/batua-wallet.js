/**
 * `<batua-wallet>`: a customer's wallet in a shop's page.
 *
 * Attributes: `api` (where the API is), `token-url` (where this page's own server hands out the
 * customer's token), `currency`, `presets` (`"100, 500, 1000"`), `order` (an order's id: it can be
 * paid then), `lang` and `mode` (`window` or `tab`, for the provider's page). A property `token`,
 * a text or a function, takes the place of `token-url`.
 *
 * Events, which bubble out: `batua-balance` with the wallet, `batua-outcome` with how a payment
 * ended, `batua-error` with a `BatuaError`.
 */

import { Checkout } from '../client/checkout.js';
import { BatuaClient } from '../client/client.js';
import { languageOf } from './languages.js';
import { sheet } from './style.js';
import { Teller } from './telling.js';
import { View } from './view.js';

/** @typedef {import('../client/tokens.js').TokenSource} TokenSource */

const PRESETS = '100, 500, 1000';

export class BatuaWallet extends HTMLElement {
  static observedAttributes = ['api', 'currency', 'lang', 'mode', 'order', 'presets', 'token-url'];

  /** @type {TokenSource | undefined} */
  #token;
  /** @type {AbortController | null} ends whatever belongs to what is shown */
  #shown = null;
  #root = this.attachShadow({ mode: 'open' });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
  }

  /** The customer's token, or a function that fetches one. @returns {TokenSource | undefined} */
  get token() {
    return this.#token;
  }

  set token(source) {
    this.#token = source;
    this.#restart();
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#shown?.abort();
    this.#shown = null;
  }

  /** @param {string} _ @param {string | null} before @param {string | null} after */
  attributeChangedCallback(_, before, after) {
    if (this.#shown && before !== after) this.#restart();
  }

  /** Show an order to be paid. @param {string} id */
  pay(id) {
    this.setAttribute('order', id);
  }

  #restart() {
    this.#shown?.abort();
    if (!this.isConnected) return;
    const shown = new AbortController();
    this.#shown = shown;
    // In a moment: a page sets several attributes and the token one after another.
    queueMicrotask(() => {
      if (!shown.signal.aborted) void this.#show(shown.signal);
    });
  }

  /** @param {AbortSignal} signal */
  async #show(signal) {
    const { words, messages } = await languageOf(this);
    if (signal.aborted) return;
    const client = new BatuaClient({
      baseUrl: this.getAttribute('api') ?? undefined,
      token: this.#token ?? tokenFrom(this.getAttribute('token-url')),
      messages,
    });
    const teller = new Teller((name) => words.texts[name]);
    const mode = /** @type {any} */ (this.getAttribute('mode') ?? 'auto');
    const known = {
      client,
      checkout: new Checkout(client, { mode, show: teller.show }),
      words,
      locale: client.locale,
      currency: this.getAttribute('currency') ?? 'INR',
      presets: (this.getAttribute('presets') ?? PRESETS).split(/[,\s]+/).filter(Boolean),
    };
    const view = new View(known, teller, (name, detail) => this.#announce(name, detail), signal);
    this.#root.replaceChildren(...view.parts);
    try {
      await view.load(this.getAttribute('order'));
      if (!signal.aborted) view.resume();
    } catch (error) {
      view.complain(error, () => this.#restart());
    }
  }

  /** @param {string} name @param {unknown} detail */
  #announce(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/**
 * A page's own server says who its customer is.
 *
 * @param {string | null} url
 * @returns {TokenSource}
 */
function tokenFrom(url) {
  if (!url) return '';
  return async () => {
    const answer = await fetch(url, { credentials: 'same-origin', cache: 'no-store' });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return (await answer.text()).trim();
  };
}

customElements.define('batua-wallet', BatuaWallet);
