/** The balance, as it changes. */

import { h } from './dom.js';

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('../client/api.js').WalletView} WalletView */

/** @param {Context} context */
export function balanceSection(context) {
  const { t } = context;
  const amount = h('p', { class: 'balance', part: 'balance' }, t('loading'));
  const note = h('p', { class: 'note', hidden: true });
  const section = h(
    'section',
    { class: 'head', part: 'header' },
    h('h2', {}, t('wallet')),
    // Told as a whole, once it has changed: a screen reader hears the amount and what it is.
    h(
      'div',
      { role: 'status', 'aria-atomic': 'true' },
      h('p', { class: 'note' }, t('available')),
      amount,
    ),
    note,
  );

  /** @param {WalletView} wallet */
  function show(wallet) {
    amount.textContent = context.money(wallet.available, wallet.currency);
    const isFrozen = wallet.status === 'frozen';
    const held = t('held', { amount: context.money(wallet.held, wallet.currency) });
    note.textContent = isFrozen ? t('frozen') : held;
    note.hidden = !isFrozen && wallet.held === 0;
  }
  return { section, show };
}
