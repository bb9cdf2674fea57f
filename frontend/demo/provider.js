/** Behind the scenes: whoever opens this is the provider, and makes it fail on purpose. */

import { h } from '/batua/element/dom.js';
import { choiceGroup } from '/batua/element/choices.js';

import { act, readFaults, trying } from './acting.js';
import { drawer } from './drawer.js';
import { leftOpen, takenPayments } from './provider_books.js';
import { part } from './telling.js';

/** @typedef {import('./visitor.js').Provider} Provider */
/** @typedef {import('./provider_books.js').OpenPayment} OpenPayment */

const WEBHOOKS = {
  fine: { text: 'Arrive as they should', faults: {} },
  lose: { text: 'Get lost', faults: { lose: true } },
  duplicate: { text: 'Arrive three times', faults: { duplicate: 2 } },
  delay: { text: 'Arrive ten seconds late', faults: { delay_s: 10 } },
  forge: { text: 'Come with two forgeries', faults: { forge: 2 } },
};

const CALLS = {
  fine: { text: 'Works', fault: { next: '500', times: 0 } },
  refuse: { text: 'Fails three times', fault: { next: '500', times: 3 } },
  lose: { text: 'Does it, but loses one answer', fault: { next: '500_after_effect', times: 1 } },
};

const MESSAGES = {
  fine: { text: 'Arrive', faults: {} },
  off: { text: 'Find the phone switched off', faults: { fail_status: 131026 } },
  refuse: { text: 'Are refused once, and sent again', faults: { next_error: 131016 } },
};

const FIRST = 'razorpay'; // the one that most rupees go through
const WHATSAPP = '/simulators/whatsapp';

/** @param {Provider[]} providers @param {() => OpenPayment[]} open left by the customer */
export function providerDrawer(providers, open) {
  const banks = providers.filter((each) => each.has_books).sort(firstIs(FIRST));
  const looked = () => showArmed(banks);
  drawer('provider', 'Be the provider', async () => {
    const said = h('p', { role: 'status', class: 'said' });
    const place = h('div', { class: 'stack' });
    const which = choiceGroup(
      'You are',
      banks.map(({ code, name }) => ({ value: code, text: name })),
      trying(said, () => refresh()),
    );
    which.group.classList.add('beside');
    async function refresh() {
      const code = which.value();
      const [bank] = banks.filter((each) => each.code === code);
      const parts = [...(await controls(bank, open, said, looked)), await messages(said)];
      if (which.value() === code) place.replaceChildren(...parts);
    }
    await refresh();
    return [
      h('p', {}, 'Make it go wrong, then pay in the shop. The money comes out right all the same.'),
      said,
      which.group,
      h('p', { class: 'quiet' }, 'What is paid with Google Pay is taken by Razorpay.'),
      place,
      heal(banks, said, () => Promise.all([refresh(), looked()])),
    ];
  });
  looked().catch(() => {}); // the button works all the same
}

/**
 * @param {Provider} bank
 * @param {() => OpenPayment[]} open
 * @param {HTMLElement} said
 * @param {() => Promise<void>} looked
 */
async function controls(bank, open, said, looked) {
  const { webhooks, api } = await readFaults(bank.url);
  const set = trying(said, async (/** @type {object} */ change, /** @type {string} */ sentence) => {
    await act(`${bank.url}/_control/faults`, change);
    said.textContent = sentence;
    await looked();
  });
  const events = choices('Its webhooks', WEBHOOKS, nameOf(webhooks), ({ text, faults }) =>
    set({ webhooks: faults }, `${bank.name}’s webhooks: ${text.toLowerCase()}.`),
  );
  const calls = choices('Its API, when the shop calls', CALLS, api ? '' : 'fine', (chosen) =>
    set({ api: chosen.fault }, `${bank.name}’s API: ${chosen.text.toLowerCase()}.`),
  );
  const again = trying(said, async () => {
    const { events: count } = await act(`${bank.url}/_control/send_webhooks`, {});
    said.textContent = `${count} webhooks are sent again. Nothing is credited twice.`;
  });
  return [
    events,
    calls,
    leftOpen(bank, open(), said),
    await takenPayments(bank, said),
    h('button', { type: 'button', onclick: again }, 'Send every webhook again'),
  ];
}

/** @param {HTMLElement} said */
async function messages(said) {
  const { fail_status } = await readFaults(WHATSAPP);
  const set = trying(said, async (/** @type {object} */ faults, /** @type {string} */ text) => {
    await act(`${WHATSAPP}/_control/faults`, faults);
    said.textContent = `WhatsApp messages: ${text.toLowerCase()}.`;
  });
  const current = fail_status ? 'off' : 'fine';
  return choices('WhatsApp messages', MESSAGES, current, ({ text, faults }) => set(faults, text));
}

/** @param {Provider[]} banks @param {HTMLElement} said @param {() => Promise<unknown>} refresh */
function heal(banks, said, refresh) {
  const onclick = trying(said, async () => {
    const urls = [...banks.map(({ url }) => url), WHATSAPP];
    await Promise.all(urls.map((url) => act(`${url}/_control/faults`, {})));
    await refresh();
    said.textContent = 'All is well again.';
  });
  return h('button', { type: 'button', class: 'main', onclick }, 'Heal everything');
}

/** @param {string} code @returns {(a: Provider, b: Provider) => number} */
const firstIs = (code) => (a, b) => Number(b.code === code) - Number(a.code === code);

/**
 * A group whose choices act at once.
 *
 * @template {{ text: string }} T
 * @param {string} legend
 * @param {Record<string, T>} options
 * @param {string} current
 * @param {(chosen: T) => Promise<void>} act
 */
function choices(legend, options, current, act) {
  const { group } = choiceGroup(
    legend,
    Object.entries(options).map(([value, { text }]) => ({ value, text })),
    (value) => act(options[value]),
  );
  for (const input of group.querySelectorAll('input')) input.checked = input.value === current;
  return group;
}

/** Which of our choices is in force. @param {Record<string, unknown>} webhooks */
function nameOf(webhooks) {
  const wrong = Object.entries(webhooks).filter(([, value]) => value);
  const found = Object.entries(WEBHOOKS).find(
    ([, { faults }]) => JSON.stringify(Object.entries(faults)) === JSON.stringify(wrong),
  );
  return found?.[0] ?? '';
}

/** The button at the top says while something is wrong on purpose. @param {Provider[]} banks */
async function showArmed(banks) {
  const all = await Promise.all(banks.map(({ url }) => readFaults(url)));
  const isArmed = all.some(({ webhooks, api }) => api || nameOf(webhooks) !== 'fine');
  part('provider-button').classList.toggle('armed', isArmed);
}
