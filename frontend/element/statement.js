/** The statement: newest first, page by page, and as a file for a spreadsheet. */

import { h } from './dom.js';

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('../client/api.js').StatementItem} StatementItem */

const PAGE = 10;

/** @param {Context} context */
export function statementSection(context) {
  const { t, client, currency, locale } = context;
  /** @type {string | null} */
  let cursor = null;
  const list = h('ol', { part: 'statement', 'aria-label': t('statement') });
  const empty = h('p', { class: 'note', role: 'status' });
  const more = h(
    'button',
    { type: 'button', part: 'button', onclick: () => load() },
    t('show_statement'),
  );
  const download = h('button', { type: 'button', part: 'button', onclick: save }, t('download'));
  const section = h(
    'section',
    {},
    h('h3', {}, t('statement')),
    list,
    empty,
    h('div', { class: 'row' }, more, download),
  );
  const when = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });

  function load() {
    return context.read(async () => {
      const page = await client.transactions({
        currency,
        limit: PAGE,
        cursor: cursor ?? undefined,
      });
      list.append(...page.items.map(entry));
      empty.textContent = list.children.length ? '' : t('nothing_yet');
      cursor = page.next_cursor;
      more.hidden = cursor === null;
      more.textContent = t('more');
    });
  }

  /** @param {StatementItem} item */
  function entry(item) {
    const { kinds } = context.words;
    const isIn = item.amount > 0;
    const amount = context.money(item.amount, item.currency);
    const balance = t('balance_after', {
      amount: context.money(item.balance_after, item.currency),
    });
    return h(
      'li',
      { part: 'entry' },
      h('span', {}, kinds[item.kind] ?? kinds.other),
      h('span', { class: isIn ? 'amount in' : 'amount' }, isIn ? `+${amount}` : amount),
      h(
        'time',
        { class: 'note', dateTime: item.occurred_at },
        when.format(new Date(item.occurred_at)),
      ),
      h('span', { class: 'note' }, balance),
    );
  }

  function save() {
    return context.read(async () => {
      const text = await client.statementCsv({ currency });
      const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
      h('a', { href: url, download: `statement-${currency}.csv` }).click();
      URL.revokeObjectURL(url);
    });
  }

  /** Begin again, where it is being looked at: something has happened. */
  function refresh() {
    if (!list.children.length) return;
    cursor = null;
    void client.transactions({ currency, limit: PAGE }).then(
      (page) => {
        list.replaceChildren(...page.items.map(entry));
        cursor = page.next_cursor;
        more.hidden = cursor === null;
      },
      () => {}, // it stays as it is
    );
  }
  return { section, refresh };
}
