/** A provider's books: what waits for the payer, and what was taken. */

import { h } from '/batua/element/dom.js';
import { formatAmount } from '/batua/client/index.js';

import { act, readLedger, trying } from './acting.js';
import { LOCALE } from './counter.js';

/** @typedef {import('./visitor.js').Provider} Provider */
/** @typedef {import('./acting.js').Capture} Capture */
/** @typedef {import('../client/pending.js').Pending} Pending */
/** @typedef {Pick<Pending, 'kind' | 'gateway' | 'reference'>} OpenPayment */

const NEWEST = 4;
const LATE = { captured: 'It is paid after all', failed: 'It fails' };

/**
 * What the customer has left open, to be paid while the shop's page knows nothing of it.
 *
 * @param {Provider} bank
 * @param {OpenPayment[]} payments
 * @param {HTMLElement} said
 */
export function leftOpen({ code, url, name }, payments, said) {
  const open = payments.filter(({ gateway }) => gateway === code);
  const rows = open.slice(0, NEWEST).map(({ reference, kind }) => {
    const pay = trying(said, async (/** @type {keyof typeof LATE} */ outcome) => {
      await act(`${url}/_control/pay`, { reference, outcome });
      said.textContent =
        outcome === 'captured'
          ? `${name} took the money. The shop hears of it by webhook, or asks.`
          : `The payment failed at ${name}. The payer may try again.`;
    });
    return h(
      'li',
      {},
      h('p', {}, kind === 'top_up' ? 'Money to be added' : 'An order to be paid'),
      h('p', { class: 'quiet' }, reference),
      h(
        'p',
        { class: 'row' },
        button(LATE.captured, () => pay('captured')),
        button(LATE.failed, () => pay('failed')),
      ),
    );
  });
  return section('Left open by the payer', rows, 'Nobody has left a payment open.');
}

/**
 * What was taken, newest first: a payer's bank may want it back.
 *
 * @param {Provider} bank
 * @param {HTMLElement} said
 */
export async function takenPayments(bank, said) {
  const captures = (await readLedger(bank.url)).slice(-NEWEST).reverse();
  const refresh = async () => list.replaceWith(await takenPayments(bank, said));
  const rows = captures.map((each) => taken(bank, each, said, refresh));
  const list = section('Taken', rows, 'Nothing yet: pay something in the shop first.');
  return list;
}

/**
 * @param {Provider} bank
 * @param {Capture} capture
 * @param {HTMLElement} said
 * @param {() => Promise<void>} refresh
 */
function taken({ url, name }, { id, amount, currency, disputes }, said, refresh) {
  const dispute = trying(
    said,
    async (/** @type {string} */ status, /** @type {string} */ sentence) => {
      await act(`${url}/_control/dispute`, { payment: id, status });
      said.textContent = sentence;
      await refresh();
    },
  );
  const open = () =>
    dispute('open', `The payer’s bank asks ${name} for it back: look at the wallet.`);
  const won = () => dispute('won', 'The shop won: the money comes back to the wallet.');
  const lost = () => dispute('lost', 'The shop lost: the bank keeps the money.');
  const status = disputes.at(-1)?.status;
  return h(
    'li',
    {},
    h('p', {}, h('b', {}, formatAmount(amount, currency, LOCALE))),
    h('p', { class: 'quiet' }, status ? `${id} · dispute ${status}` : id),
    h(
      'p',
      { class: 'row' },
      !status && button('The bank disputes it', open),
      status === 'open' && button('The shop wins', won),
      status === 'open' && button('The shop loses', lost),
    ),
  );
}

/** @param {string} title @param {Node[]} rows @param {string} empty */
function section(title, rows, empty) {
  const content = rows.length
    ? h('ul', { class: 'books' }, ...rows)
    : h('p', { class: 'quiet' }, empty);
  return h('section', {}, h('h3', {}, title), content);
}

/** @param {string} text @param {() => Promise<void>} onclick */
const button = (text, onclick) => h('button', { type: 'button', onclick }, text);
