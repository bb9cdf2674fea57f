/**
 * What the API takes and answers: `python -m tools.client_api` writes it from the OpenAPI document.
 * Amounts are whole numbers of minor units, times are ISO 8601 in UTC.
 */

/**
 * @typedef {object} CreateOrder
 * @property {string} reference
 * @property {number} amount
 * @property {string} currency
 * @property {string | null} [customer]
 * @property {string} [description]
 * @property {Array<Record<string, any>> | null} [items]
 * @property {'wallet' | null} [pay_with]
 */

/**
 * @typedef {object} CreateTopUp
 * @property {number} amount
 * @property {string} currency
 * @property {string} gateway
 * @property {string | null} [return_url]
 */

/**
 * @typedef {object} FieldError
 * @property {string} pointer
 * @property {string} detail
 */

/**
 * @typedef {(
 *   | 'disabled'
 *   | 'test'
 *   | 'enabled'
 * )} GatewayState
 */

/**
 * @typedef {object} GatewayView
 * @property {string} code
 * @property {string} name
 * @property {string} summary
 * @property {string} category
 * @property {GatewayState} state
 * @property {Array<string>} currencies
 * @property {Record<string, number>} minimums
 * @property {Record<string, string | boolean>} capabilities
 */

/**
 * @typedef {object} OrderPage
 * @property {Array<OrderView>} items
 * @property {string | null} next_cursor
 */

/**
 * @typedef {object} OrderPaymentView
 * @property {OrderView} order
 * @property {PaymentView} payment
 * @property {Record<string, string | number | null> | null} [checkout]
 */

/**
 * @typedef {(
 *   | 'pending'
 *   | 'paid'
 *   | 'partially_refunded'
 *   | 'refunded'
 *   | 'cancelled'
 * )} OrderStatus
 */

/**
 * @typedef {object} OrderView
 * @property {string} id
 * @property {string} reference
 * @property {OrderStatus} status
 * @property {number} amount
 * @property {string} currency
 * @property {string} customer
 * @property {string} description
 * @property {any} items
 * @property {number} paid_from_wallet
 * @property {number} paid_by_gateway
 * @property {number} refunded
 * @property {number} refund_reserved
 * @property {string} created_at
 * @property {string | null} paid_at
 */

/**
 * @typedef {object} PayOrder
 * @property {'gateway' | 'split' | 'wallet'} method
 * @property {string | null} [gateway]
 * @property {string | null} [return_url]
 */

/**
 * @typedef {(
 *   | 'created'
 *   | 'pending'
 *   | 'authorized'
 *   | 'succeeded'
 *   | 'failed'
 *   | 'expired'
 *   | 'cancelled'
 * )} PaymentStatus
 */

/**
 * @typedef {object} PaymentView
 * @property {string} id
 * @property {'wallet' | 'gateway'} method
 * @property {string | null} gateway
 * @property {PaymentStatus} status
 * @property {number} amount
 * @property {string} currency
 */

/**
 * @typedef {object} Problem
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} code
 * @property {string} detail
 * @property {Array<FieldError> | null} [errors]
 */

/**
 * @typedef {(
 *   | 'awaiting_approval'
 *   | 'pending'
 *   | 'unknown'
 *   | 'succeeded'
 *   | 'failed'
 *   | 'rejected'
 * )} RefundStatus
 */

/**
 * @typedef {(
 *   | 'wallet'
 *   | 'source'
 *   | 'auto'
 * )} RefundTo
 */

/**
 * @typedef {object} RefundView
 * @property {string} id
 * @property {string | null} order
 * @property {string | null} top_up
 * @property {number} amount
 * @property {string} currency
 * @property {RefundTo} to
 * @property {number} to_wallet
 * @property {number} to_source
 * @property {RefundStatus} status
 * @property {string} reason
 * @property {string} failure
 * @property {string} created_at
 */

/**
 * @typedef {object} StatementItem
 * @property {string} id
 * @property {string} kind
 * @property {number} amount
 * @property {number} balance_after
 * @property {string} currency
 * @property {string | null} order
 * @property {string | null} top_up
 * @property {string | null} refund
 * @property {string} reason
 * @property {string} occurred_at
 * @property {string} created_at
 */

/**
 * @typedef {object} StatementPage
 * @property {Array<StatementItem>} items
 * @property {string | null} next_cursor
 */

/**
 * @typedef {(
 *   | 'pending'
 *   | 'processing'
 *   | 'succeeded'
 *   | 'failed'
 *   | 'expired'
 *   | 'partially_refunded'
 *   | 'refunded'
 *   | 'disputed'
 *   | 'charged_back'
 *   | 'suspense'
 * )} TopUpStatus
 */

/**
 * @typedef {object} TopUpView
 * @property {string} id
 * @property {TopUpStatus} status
 * @property {number} amount
 * @property {string} currency
 * @property {string} gateway
 * @property {number} credited
 * @property {number} refunded
 * @property {number} bonus
 * @property {string} failure
 * @property {Record<string, string | number | null> | null} checkout
 * @property {string} customer
 * @property {string} expires_at
 * @property {string} created_at
 */

/**
 * @typedef {object} WalletView
 * @property {string} id
 * @property {string} customer
 * @property {string} currency
 * @property {number} balance
 * @property {number} held
 * @property {number} available
 * @property {'active' | 'frozen'} status
 */

/** Where each operation is, and whether it takes an `Idempotency-Key`. */
export const OPERATIONS = /** @type {const} */ ({
  list_gateways: {
    method: 'GET',
    path: '/gateways',
    isKeyed: false,
  },
  create_top_up: {
    method: 'POST',
    path: '/topups',
    isKeyed: true,
  },
  get_top_up: {
    method: 'GET',
    path: '/topups/{top_up_id}',
    isKeyed: false,
  },
  confirm_top_up: {
    method: 'POST',
    path: '/topups/{top_up_id}/confirm',
    isKeyed: false,
  },
  get_wallet: {
    method: 'GET',
    path: '/wallet',
    isKeyed: false,
  },
  watch_wallet: {
    method: 'GET',
    path: '/wallet/events',
    isKeyed: false,
  },
  list_transactions: {
    method: 'GET',
    path: '/wallet/transactions',
    isKeyed: false,
  },
  create_order: {
    method: 'POST',
    path: '/orders',
    isKeyed: true,
  },
  list_orders: {
    method: 'GET',
    path: '/orders',
    isKeyed: false,
  },
  get_order: {
    method: 'GET',
    path: '/orders/{order_id}',
    isKeyed: false,
  },
  pay_order: {
    method: 'POST',
    path: '/orders/{order_id}/payments',
    isKeyed: true,
  },
  confirm_order_payment: {
    method: 'POST',
    path: '/orders/{order_id}/payments/{payment_id}/confirm',
    isKeyed: false,
  },
  cancel_order: {
    method: 'POST',
    path: '/orders/{order_id}/cancel',
    isKeyed: true,
  },
  get_refund: {
    method: 'GET',
    path: '/refunds/{refund_id}',
    isKeyed: false,
  },
});

/**
 * Digits of the minor unit, where they are not two. A browser's own data differ.
 *
 * @type {Record<string, number>}
 */
export const MINOR_DIGITS = {
  AFN: 0,
  ALL: 0,
  BHD: 3,
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  IQD: 0,
  IRR: 0,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KMF: 0,
  KPW: 0,
  KRW: 0,
  KWD: 3,
  LAK: 0,
  LBP: 0,
  LYD: 3,
  MGA: 0,
  MMK: 0,
  OMR: 3,
  PYG: 0,
  RSD: 0,
  RWF: 0,
  SOS: 0,
  SYP: 0,
  TND: 3,
  UGX: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  YER: 0,
};
