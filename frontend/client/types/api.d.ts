/**
 * What the API takes and answers: `python -m tools.client_api` writes it from the OpenAPI document.
 * Amounts are whole numbers of minor units, times are ISO 8601 in UTC.
 */
export type CreateOrder = {
    reference: string;
    amount: number;
    currency: string;
    customer?: string | null;
    description?: string;
    items?: Array<Record<string, any>> | null;
    pay_with?: 'wallet' | null;
};
export type CreateTopUp = {
    amount: number;
    currency: string;
    gateway: string;
    return_url?: string | null;
};
export type FieldError = {
    pointer: string;
    detail: string;
};
export type GatewayState = ('disabled' | 'test' | 'enabled');
export type GatewayView = {
    code: string;
    name: string;
    summary: string;
    category: string;
    state: GatewayState;
    currencies: Array<string>;
    minimums: Record<string, number>;
    capabilities: Record<string, string | boolean>;
};
export type OrderPage = {
    items: Array<OrderView>;
    next_cursor: string | null;
};
export type OrderPaymentView = {
    order: OrderView;
    payment: PaymentView;
    checkout?: Record<string, string | number | null> | null;
};
export type OrderStatus = ('pending' | 'paid' | 'partially_refunded' | 'refunded' | 'cancelled');
export type OrderView = {
    id: string;
    reference: string;
    status: OrderStatus;
    amount: number;
    currency: string;
    customer: string;
    description: string;
    items: any;
    paid_from_wallet: number;
    paid_by_gateway: number;
    refunded: number;
    refund_reserved: number;
    created_at: string;
    paid_at: string | null;
};
export type PayOrder = {
    method: 'gateway' | 'split' | 'wallet';
    gateway?: string | null;
    return_url?: string | null;
};
export type PaymentStatus = ('created' | 'pending' | 'authorized' | 'succeeded' | 'failed' | 'expired' | 'cancelled');
export type PaymentView = {
    id: string;
    method: 'wallet' | 'gateway';
    gateway: string | null;
    status: PaymentStatus;
    amount: number;
    currency: string;
};
export type Problem = {
    type: string;
    title: string;
    status: number;
    code: string;
    detail: string;
    errors?: Array<FieldError> | null;
};
export type RefundStatus = ('awaiting_approval' | 'pending' | 'unknown' | 'succeeded' | 'failed' | 'rejected');
export type RefundTo = ('wallet' | 'source' | 'auto');
export type RefundView = {
    id: string;
    order: string | null;
    top_up: string | null;
    amount: number;
    currency: string;
    to: RefundTo;
    to_wallet: number;
    to_source: number;
    status: RefundStatus;
    reason: string;
    failure: string;
    created_at: string;
};
export type StatementItem = {
    id: string;
    kind: string;
    amount: number;
    balance_after: number;
    currency: string;
    order: string | null;
    top_up: string | null;
    refund: string | null;
    reason: string;
    occurred_at: string;
    created_at: string;
};
export type StatementPage = {
    items: Array<StatementItem>;
    next_cursor: string | null;
};
export type TopUpStatus = ('pending' | 'processing' | 'succeeded' | 'failed' | 'expired' | 'partially_refunded' | 'refunded' | 'disputed' | 'charged_back' | 'suspense');
export type TopUpView = {
    id: string;
    status: TopUpStatus;
    amount: number;
    currency: string;
    gateway: string;
    credited: number;
    refunded: number;
    bonus: number;
    failure: string;
    checkout: Record<string, string | number | null> | null;
    customer: string;
    expires_at: string;
    created_at: string;
};
export type WalletView = {
    id: string;
    customer: string;
    currency: string;
    balance: number;
    held: number;
    available: number;
    status: 'active' | 'frozen';
};
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
export declare const OPERATIONS: {
    readonly list_gateways: {
        readonly method: 'GET';
        readonly path: '/gateways';
        readonly isKeyed: false;
    };
    readonly create_top_up: {
        readonly method: 'POST';
        readonly path: '/topups';
        readonly isKeyed: true;
    };
    readonly get_top_up: {
        readonly method: 'GET';
        readonly path: '/topups/{top_up_id}';
        readonly isKeyed: false;
    };
    readonly confirm_top_up: {
        readonly method: 'POST';
        readonly path: '/topups/{top_up_id}/confirm';
        readonly isKeyed: false;
    };
    readonly get_wallet: {
        readonly method: 'GET';
        readonly path: '/wallet';
        readonly isKeyed: false;
    };
    readonly watch_wallet: {
        readonly method: 'GET';
        readonly path: '/wallet/events';
        readonly isKeyed: false;
    };
    readonly list_transactions: {
        readonly method: 'GET';
        readonly path: '/wallet/transactions';
        readonly isKeyed: false;
    };
    readonly create_order: {
        readonly method: 'POST';
        readonly path: '/orders';
        readonly isKeyed: true;
    };
    readonly list_orders: {
        readonly method: 'GET';
        readonly path: '/orders';
        readonly isKeyed: false;
    };
    readonly get_order: {
        readonly method: 'GET';
        readonly path: '/orders/{order_id}';
        readonly isKeyed: false;
    };
    readonly pay_order: {
        readonly method: 'POST';
        readonly path: '/orders/{order_id}/payments';
        readonly isKeyed: true;
    };
    readonly confirm_order_payment: {
        readonly method: 'POST';
        readonly path: '/orders/{order_id}/payments/{payment_id}/confirm';
        readonly isKeyed: false;
    };
    readonly cancel_order: {
        readonly method: 'POST';
        readonly path: '/orders/{order_id}/cancel';
        readonly isKeyed: true;
    };
    readonly get_refund: {
        readonly method: 'GET';
        readonly path: '/refunds/{refund_id}';
        readonly isKeyed: false;
    };
};
/**
 * Digits of the minor unit, where they are not two. A browser's own data differ.
 *
 * @type {Record<string, number>}
 */
export declare const MINOR_DIGITS: Record<string, number>;
