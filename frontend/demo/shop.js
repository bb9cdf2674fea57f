/** The shop: whoever comes in, what they tap, and what they are shown of it. */

import { formatAmount } from '/batua/client/index.js';
import { h } from '/batua/element/dom.js';
import '/batua/dist/batua-wallet.js';

import { LOCALE, showCurrencies, showProducts } from './counter.js';
import { tellNews } from './news.js';
import { Orders } from './orders.js';
import { showPhone } from './phone.js';
import { providerDrawer } from './provider.js';
import { staffDrawer } from './staff.js';
import { complain, part, tell } from './telling.js';
import { Till } from './till.js';
import { choose, chosen, clientOf, leave, readAbout, tokenOf } from './visitor.js';

/** @typedef {import('./catalogue.js').Product} Product */
/** @typedef {import('./visitor.js').Customer} Customer */
/** @typedef {import('../client/api.js').OrderView} OrderView */
/** @typedef {import('../client/api.js').WalletView} WalletView */

/**
 * @typedef {object} Visit
 * @property {import('../client/client.js').BatuaClient} client
 * @property {Till} till
 * @property {HTMLElement} wallet
 * @property {Orders} orders
 */

const CURRENCY = 'demo.currency';
/** @type {Record<string, string>} */
const PRESETS = { INR: '100, 500, 1000', USD: '10, 50, 100' };

const LEAD =
  'Buy something with one tap. Add money, or let the provider fail, ' +
  'and watch the balance, your orders and your phone.';

/** @type {Visit | null} */
let visit = null;
let currency = sessionStorage.getItem(CURRENCY) ?? 'INR';

/** @param {Customer} customer */
function open(customer) {
  const ended = new AbortController();
  const client = clientOf(customer);
  const till = new Till(client);
  const orders = new Orders(client, { pay: payInWallet, cancel }, ended.signal);
  /** @type {import('../element/batua-wallet.js').BatuaWallet} */
  const wallet = h('batua-wallet', { currency, presets: PRESETS[currency] });
  wallet.token = tokenOf(customer);
  visit = { client, till, wallet, orders };
  wallet.addEventListener('batua-balance', (event) =>
    showBalance(till, /** @type {CustomEvent<WalletView>} */ (event).detail),
  );
  wallet.addEventListener('batua-outcome', () => orders.refresh());
  part('wallet').replaceChildren(wallet);
  part(`customer-${customer.id}`).setAttribute('aria-pressed', 'true');
  part('greeting').textContent = `Namaste, ${customer.name}`;
  part('lead').textContent = LEAD;
  showPhone(customer, ended.signal, () => orders.refresh());
  void orders.refresh();
  void recover(till);
}

/** @param {Till} till @param {WalletView} wallet */
function showBalance(till, wallet) {
  const before = till.wallets.get(wallet.currency);
  till.wallets.set(wallet.currency, wallet);
  const written = formatAmount(wallet.available, wallet.currency, LOCALE);
  part('purse').hidden = false;
  part('purse').textContent = written;
  part('purse').setAttribute('aria-label', `In your wallet: ${written}`);
  void visit?.orders.refresh();
  if (before && before.balance !== wallet.balance) {
    tellNews(till.client, wallet.currency).catch(() => {}); // the statement has it all the same
  }
}

/** @param {Product} product @returns {Promise<boolean>} */
async function buy(product) {
  if (!visit) {
    tell('Choose who you are first: then it is yours with one tap.');
    part('customers').scrollIntoView({ block: 'center' });
    part('customers').querySelector('button')?.focus();
    return false;
  }
  try {
    const order = await visit.till.buy(product, currency);
    void visit.orders.refresh();
    if (order.status === 'pending') payInWallet(order);
    else thank(order);
    return order.status !== 'pending';
  } catch (error) {
    complain(error);
    return false;
  }
}

/** @param {OrderView} order */
function thank({ description, amount, currency: paidIn }) {
  tell(
    `${description} is yours: ${formatAmount(amount, paidIn, LOCALE)} was paid from your wallet.`,
  );
}

/** @param {OrderView} order */
function payInWallet({ id, description, currency: wanted }) {
  if (!visit) return;
  if (wanted !== currency) changeCurrency(wanted);
  visit.wallet.setAttribute('order', id);
  tell(`${description} is set aside for you. Your wallet asks how to pay for it.`);
  part('wallet').scrollIntoView({ block: 'start' });
  part('wallet').focus({ preventScroll: true });
}

/** @param {OrderView} order */
async function cancel({ id, description }) {
  try {
    await visit?.client.cancelOrder(id);
    tell(`The order of ${description} is cancelled. Nothing was taken.`);
  } catch (error) {
    complain(error);
  }
  await visit?.orders.refresh();
  if (visit?.wallet.getAttribute('order') === id) visit.wallet.removeAttribute('order');
}

/** @param {Till} till */
async function recover(till) {
  try {
    for (const order of await till.recover()) {
      if (order.status === 'pending') payInWallet(order);
      else thank(order);
    }
  } catch (error) {
    complain(error);
  }
}

/** @param {string} code */
function changeCurrency(code) {
  currency = code;
  sessionStorage.setItem(CURRENCY, code);
  showProducts(code, buy);
  for (const input of part('currencies').querySelectorAll('input')) {
    input.checked = input.value === code;
  }
  if (!visit) return;
  visit.wallet.removeAttribute('order');
  visit.wallet.setAttribute('presets', PRESETS[code]);
  visit.wallet.setAttribute('currency', code);
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

async function start() {
  const { base, customers, providers } = await readAbout();
  if (location.origin !== base) {
    // The demo knows its own name alone: localhost is another one to a browser.
    location.replace(base + location.pathname + location.search + location.hash);
    return;
  }
  const names = providers.map((each) => each.name);
  part('provider-names').textContent = new Intl.ListFormat('en').format(names);
  providerDrawer(providers, () => visit?.client ?? null);
  staffDrawer();
  showCustomers(customers);
}

showCurrencies(currency, changeCurrency);
showProducts(currency, buy);
start().catch(complain);
