/** The products, each with its button. */

import { h } from '/batua/element/dom.js';
import { formatAmount } from '/batua/client/index.js';

import { CURRENCIES, PRODUCTS } from './catalogue.js';
import { part } from './telling.js';

/** @typedef {import('./catalogue.js').Product} Product */

export const LOCALE = 'en-IN';
const THANKS_MS = 1600;

/**
 * @param {string} currency
 * @param {(product: Product) => Promise<boolean>} buy whether it was bought
 */
export function showProducts(currency, buy) {
  part('products').replaceChildren(...PRODUCTS.map((each) => card(each, currency, buy)));
}

/** @param {string} currency @param {(currency: string) => void} choose */
export function showCurrencies(currency, choose) {
  const options = CURRENCIES.map(({ code, name }) =>
    h(
      'label',
      {},
      h('input', {
        type: 'radio',
        name: 'currency',
        value: code,
        checked: code === currency,
        onchange: () => choose(code),
      }),
      h('span', {}, name),
    ),
  );
  part('currencies').append(...options);
}

/**
 * @param {Product} product
 * @param {string} currency
 * @param {(product: Product) => Promise<boolean>} buy
 */
function card(product, currency, buy) {
  const { id, name, about } = product;
  const price = formatAmount(product.prices[currency], currency, LOCALE);
  const text = h('span', {}, 'Buy');
  const button = h('button', { type: 'button', class: 'buy', onclick: tap }, text);
  button.setAttribute('aria-label', `Buy ${name} for ${price}`);

  // Who taps twice wants it once: until the thanks are over the button does nothing.
  async function tap() {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    text.textContent = 'One moment…';
    const isBought = await buy(product);
    button.classList.toggle('done', isBought);
    if (isBought) {
      text.textContent = 'Bought ✓';
      await new Promise((resolve) => setTimeout(resolve, THANKS_MS));
    }
    button.classList.remove('done');
    text.textContent = 'Buy';
    button.removeAttribute('aria-disabled');
  }

  return h(
    'li',
    { class: `card product ${id}` },
    h('img', { src: `/demo/pictures/${id}.svg`, alt: '', width: 240, height: 180 }),
    h('h3', {}, name),
    h('p', { class: 'about' }, about),
    h('div', { class: 'sale' }, h('b', {}, price), button),
  );
}
