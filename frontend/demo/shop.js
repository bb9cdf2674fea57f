/** The shop's door: what is sold, in which currency, and who comes in. */

import { h } from '/batua/element/dom.js';

import { showCurrencies, showProducts } from './counter.js';
import { providerDrawer } from './provider.js';
import { staffDrawer } from './staff.js';
import { complain, part, tell } from './telling.js';
import { Visit } from './visit.js';
import { choose, chosen, leave, readAbout } from './visitor.js';

/** @typedef {import('./catalogue.js').Product} Product */
/** @typedef {import('./visitor.js').Customer} Customer */

const CURRENCY = 'demo.currency';

/** @type {Visit | null} */
let visit = null;
let currency = sessionStorage.getItem(CURRENCY) ?? 'INR';

/** @param {Product} product @returns {Promise<boolean>} */
async function buy(product) {
  if (visit) return visit.buy(product, currency);
  tell('Choose who you are first: then it is yours with one tap.');
  part('customers').scrollIntoView({ block: 'center' });
  part('customers').querySelector('button')?.focus();
  return false;
}

/** @param {string} code */
function changeCurrency(code) {
  currency = code;
  sessionStorage.setItem(CURRENCY, code);
  showProducts(code, buy);
  for (const input of part('currencies').querySelectorAll('input')) {
    input.checked = input.value === code;
  }
  visit?.showIn(code);
}

/** @param {Customer[]} customers */
function showCustomers(customers) {
  const buttons = customers.map((each) =>
    h(
      'button',
      {
        type: 'button',
        id: `customer-${each.id}`,
        'aria-pressed': 'false',
        onclick: () => come(each),
      },
      h('span', { class: 'face', 'aria-hidden': 'true' }, each.name[0]),
      each.name,
    ),
  );
  part('customers').append(h('div', { class: 'row' }, ...buttons));
  part('customers').hidden = false;
  const known = chosen(customers);
  if (known) open(known);
}

/** Whoever comes after another finds the page anew. @param {Customer} customer */
function come(customer) {
  if (visit) leave();
  choose(customer);
  if (visit) location.assign('/demo/');
  else open(customer);
}

/** @param {Customer} customer */
function open(customer) {
  part(`customer-${customer.id}`).setAttribute('aria-pressed', 'true');
  visit = new Visit(customer, currency, changeCurrency);
}

async function start() {
  const { base, customers, providers } = await readAbout();
  if (location.origin !== base) {
    // The demo knows its own name alone: localhost is another one to a browser.
    location.replace(base + location.pathname + location.search + location.hash);
    return;
  }
  const names = providers.map((each) => each.name);
  part('provider-names').textContent = new Intl.ListFormat('en').format(names);
  providerDrawer(providers, () => visit?.openPayments() ?? []);
  staffDrawer();
  showCustomers(customers);
}

showCurrencies(currency, changeCurrency);
showProducts(currency, buy);
start().catch(complain);
