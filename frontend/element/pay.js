/** Paying an order: with one tap from the wallet, or with a gateway's help where that is short. */

import { BatuaError } from '../client/errors.js';
import { choiceGroup } from './choices.js';
import { fitting } from './context.js';
import { h } from './dom.js';

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('../client/outcomes.js').Outcome} Outcome */
/** @typedef {import('../client/api.js').GatewayView} GatewayView */
/** @typedef {import('../client/api.js').OrderView} OrderView */

/** @param {Context} context @param {OrderView} order @param {GatewayView[]} gateways */
export function paySection(context, order, gateways) {
  const { t, money, checkout } = context;
  const { id, amount, currency } = order;
  const body = h('div', { class: 'stack' });
  const section = h(
    'section',
    { part: 'pay' },
    h('h3', {}, t('to_pay', { amount: money(amount, currency) })),
    order.description && h('p', { class: 'note' }, order.description),
    body,
  );

  function offerWallet() {
    const text = t('pay', { amount: money(amount, currency) });
    body.replaceChildren(
      payButton(text, async () => {
        try {
          return await checkout.payOrder(id, { method: 'wallet' });
        } catch (error) {
          if (!(error instanceof BatuaError && error.code === 'insufficient_funds')) throw error;
          await refreshed();
          offerSplit();
          return null;
        }
      }),
    );
  }

  /** The wallet as it is now: the one that is shown may be older than the refusal. */
  let available = context.wallet()?.available ?? 0;
  const refreshed = async () => {
    available = (await context.client.wallet({ currency })).available;
  };

  function offerSplit() {
    const rest = amount - available;
    if (rest <= 0) return offerWallet();
    const usable = fitting(gateways, currency);
    const missing = t('short', {
      available: money(available, currency),
      rest: money(rest, currency),
    });
    if (!usable.length)
      return body.replaceChildren(h('p', {}, missing), h('p', {}, t('no_gateway', { currency })));
    const label = (/** @type {string} */ code) =>
      t(available > 0 ? 'pay_split' : 'pay_gateway', {
        wallet: money(available, currency),
        rest: money(rest, currency),
        gateway: usable.find((each) => each.code === code)?.name ?? code,
      });
    const ways = choiceGroup(
      t('pay_with'),
      usable.map(({ code, name }) => ({ value: code, text: name })),
      (code) => (button.textContent = label(code)),
    );
    const button = payButton(label(ways.value()), () =>
      checkout.payOrder(id, { method: available > 0 ? 'split' : 'gateway', gateway: ways.value() }),
    );
    body.replaceChildren(h('p', {}, missing), ways.group, button);
  }

  /** @param {string} text @param {() => Promise<Outcome | null>} pay */
  function payButton(text, pay) {
    const onclick = async () => {
      const outcome = await context.pay(pay);
      if (outcome?.kind === 'paid' || outcome?.kind === 'cancelled') section.remove();
    };
    return h('button', { type: 'button', class: 'main', part: 'button', onclick }, text);
  }

  if (available >= amount) offerWallet();
  else offerSplit();
  return section;
}
