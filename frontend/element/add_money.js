/** Adding money: an amount, a way to pay, and a button that says both. */

import { parseAmount } from '../client/money.js';
import { choiceGroup } from './choices.js';
import { fitting } from './context.js';
import { h, newId } from './dom.js';

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('../client/api.js').GatewayView} GatewayView */

const OWN = 'own';

/** @param {Context} context @param {GatewayView[]} gateways */
export function addMoneySection(context, gateways) {
  const { t, currency } = context;
  const usable = fitting(gateways, currency);
  if (!usable.length) {
    return h('section', {}, h('h3', {}, t('add_money')), h('p', {}, t('no_gateway', { currency })));
  }
  const own = ownAmount(context, () => refresh());
  const presets = context.presets.map((each) => parseAmount(each, currency, 'en')).filter(isAmount);
  const amounts = choiceGroup(
    t('amount'),
    [
      ...presets.map((each) => ({ value: String(each), text: context.money(each, currency) })),
      { value: OWN, text: t('own_amount') },
    ],
    () => refresh(),
  );
  const ways = choiceGroup(
    t('pay_with'),
    usable.map(({ code, name }) => ({ value: code, text: name })),
  );
  const button = h('button', { type: 'submit', class: 'main', part: 'button' });
  const form = h(
    'form',
    { noValidate: true, onsubmit: add },
    amounts.group,
    own.field,
    ways.group,
    button,
  );

  const isOwn = () => amounts.value() === OWN;
  const amount = () => (isOwn() ? own.amount() : Number(amounts.value()));

  function refresh() {
    own.field.hidden = !isOwn();
    const wanted = amount();
    button.textContent = wanted
      ? t('add', { amount: context.money(wanted, currency) })
      : t('add_money');
  }

  /** @param {SubmitEvent} event */
  function add(event) {
    event.preventDefault();
    const wanted = amount();
    if (wanted === null) return own.complain();
    void context.pay(() =>
      context.checkout.addMoney({ amount: wanted, currency, gateway: ways.value() }),
    );
  }

  refresh();
  return h('section', { part: 'add-money' }, h('h3', {}, t('add_money')), form);
}

/** @param {number | null} amount @returns {amount is number} */
const isAmount = (amount) => amount !== null;

/** @param {Context} context @param {() => void} onInput */
function ownAmount({ t, currency, locale, money }, onInput) {
  const [id, wrongId] = [newId('amount'), newId('wrong')];
  const wrong = h('p', { id: wrongId, class: 'wrong', role: 'alert' });
  const input = h('input', {
    id,
    type: 'text',
    inputMode: 'decimal',
    autocomplete: 'off',
    'aria-describedby': wrongId,
    oninput: () => {
      input.removeAttribute('aria-invalid');
      wrong.textContent = '';
      onInput();
    },
  });
  const field = h(
    'div',
    {},
    h('label', { class: 'field', htmlFor: id }, t('own_amount')),
    input,
    wrong,
  );
  return {
    field,
    amount: () => parseAmount(input.value, currency, locale),
    complain() {
      input.setAttribute('aria-invalid', 'true');
      wrong.textContent = t('amount_wrong', { example: money(50_000, currency) });
      input.focus();
    },
  };
}
