/** The element's own words, in English. One file a language, with the same names. */

/**
 * @typedef {object} Words
 * @property {Record<string, string>} texts
 * @property {Record<string, string>} kinds of an entry in the statement
 */

/** @type {Words} */
export const words = {
  texts: {
    wallet: 'Wallet',
    available: 'You can spend',
    held: '{amount} is set aside for a payment that is not finished.',
    frozen: 'Your wallet is paused. Please ask the shop.',
    loading: 'Loading…',
    offline: 'You are offline. What you see may be old.',
    online: 'You are online again.',
    add_money: 'Add money',
    amount: 'Amount',
    own_amount: 'Another amount',
    amount_wrong: 'Please type an amount, such as {example}.',
    pay_with: 'Pay with',
    no_gateway: 'No way to add {currency} is available just now.',
    add: 'Add {amount}',
    working: 'One moment…',
    elsewhere: 'Please finish the payment in the other window.',
    to_pay: 'To pay: {amount}',
    pay: 'Pay {amount} from the wallet',
    pay_split: 'Pay {wallet} from the wallet and {rest} with {gateway}',
    pay_gateway: 'Pay {rest} with {gateway}',
    short: 'Your wallet has {available}: {rest} is missing.',
    try_again: 'Try again',
    statement: 'Statement',
    show_statement: 'Show the statement',
    more: 'Show more',
    download: 'Download as CSV',
    nothing_yet: 'Nothing has happened yet.',
    balance_after: 'Balance {amount}',
    failed: 'Something went wrong. Please try again.',
  },
  kinds: {
    top_up: 'Money added',
    top_up_bonus: 'Bonus',
    bonus: 'Bonus',
    bonus_expiry: 'Bonus expired',
    bonus_clawback: 'Bonus taken back',
    top_up_refund: 'Added money given back',
    order_payment: 'Payment',
    refund_to_wallet: 'Refund',
    reversal_of_refund: 'Refund taken back',
    paid_credit: 'Payment credited',
    dispute_lost: 'Disputed payment',
    debt_repayment: 'Debt paid',
    debt_returned: 'Debt given back',
    adjustment: 'Correction by the shop',
    other: 'Other',
  },
};
