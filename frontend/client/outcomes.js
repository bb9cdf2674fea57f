/** How a payment ended, as the customer is told. */

import { fill } from './messages/en.js';
import { formatAmount } from './money.js';

/** @typedef {import('./api.js').OrderView} OrderView */
/** @typedef {import('./api.js').TopUpView} TopUpView */
/** @typedef {import('./session.js').Session} Session */

/**
 * @typedef {'added' | 'paid' | 'processing' | 'failed' | 'abandoned' | 'expired' | 'review'
 *   | 'cancelled' | 'left'} OutcomeKind
 *   `left` says that this page is being left for the provider's
 */

/**
 * @typedef {object} Outcome
 * @property {OutcomeKind} kind
 * @property {string} message for the customer
 * @property {TopUpView} [topUp]
 * @property {OrderView} [order]
 */

/** @type {Record<TopUpView['status'], OutcomeKind>} */
const TOP_UPS = {
  pending: 'abandoned',
  processing: 'processing',
  succeeded: 'added',
  partially_refunded: 'added',
  refunded: 'added',
  failed: 'failed',
  expired: 'expired',
  disputed: 'review',
  charged_back: 'review',
  suspense: 'review',
};

/** @type {Record<OrderView['status'], OutcomeKind>} */
const ORDERS = {
  pending: 'abandoned',
  paid: 'paid',
  partially_refunded: 'paid',
  refunded: 'paid',
  cancelled: 'cancelled',
};

/** What a payment of an order says more than its order, which is pending until it is paid. */
const PAYMENTS = new Map(
  /** @type {[string, OutcomeKind][]} */ ([
    ['authorized', 'processing'],
    ['failed', 'failed'],
    ['expired', 'expired'],
  ]),
);

/** @param {Session} session @param {TopUpView} topUp @returns {Outcome} */
export function ofTopUp(session, topUp) {
  const { credited, amount, currency } = topUp;
  const outcome = outcomeOf(session, TOP_UPS[topUp.status], credited || amount, currency);
  return { ...outcome, topUp };
}

/**
 * @param {Session} session
 * @param {OrderView} order
 * @param {string} [payment] the status of the one that was just made
 * @returns {Outcome}
 */
export function ofOrder(session, order, payment = '') {
  const isOpen = order.status === 'pending';
  const kind = (isOpen && PAYMENTS.get(payment)) || ORDERS[order.status];
  return { ...outcomeOf(session, kind, order.amount, order.currency), order };
}

/** This page is being left. @returns {Outcome} */
export const left = () => ({ kind: 'left', message: '' });

/**
 * @param {Session} session
 * @param {OutcomeKind} kind
 * @param {number} amount
 * @param {string} currency
 */
function outcomeOf({ messages, locale }, kind, amount, currency) {
  const written = formatAmount(amount, currency, locale);
  return { kind, message: fill(messages.outcomes[kind], { amount: written }) };
}
