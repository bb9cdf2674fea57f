/** What people read, in English. One file a language: every name of this one is in the others. */

/**
 * @typedef {object} Messages
 * @property {string} language as in `<html lang>`
 * @property {Record<string, string>} errors by `BatuaError.code`
 * @property {Record<string, string>} outcomes how a payment ended; `{amount}` is written out
 * @property {Record<string, string>} words on what a driver shows
 */

/** @type {Messages} */
export const en = {
  language: 'en',
  errors: {
    // Nobody answered, or nobody could.
    network:
      'We could not reach the shop. Check your connection; nothing is paid twice when you try again.',
    timeout: 'This is taking longer than usual. Try again: nothing is paid twice.',
    aborted: 'You stopped this. If a payment was already on its way, your balance will show it.',
    unreadable_answer: 'The shop answered something we could not read. Please try again later.',
    token_unavailable: 'We could not sign you in. Please reload the page, or sign in again.',
    checkout_unavailable:
      'The payment page could not be opened. Nothing was taken; try again or choose another way to pay.',
    unknown: 'Something went wrong. Please try again.',
    // What was asked.
    invalid_request: 'Something in this request is not right. Please check what you typed.',
    idempotency_key_required:
      'The page sent an incomplete request. Please reload it and try again.',
    card_number_refused: 'That looks like a card number. Please never type it here.',
    unknown_currency: 'This currency is not in use here.',
    unknown_gateway: 'This way to pay is not available. Please choose another one.',
    unsupported_currency: 'This way to pay does not take this currency. Please choose another one.',
    amount_below_minimum: 'This amount is too small for this way to pay.',
    below_minimum_top_up: 'This is less than can be added at once. Please choose a larger amount.',
    above_maximum_top_up: 'This is more than can be added at once. Please choose a smaller amount.',
    amount_must_be_positive: 'Please enter an amount above zero.',
    amount_too_large: 'This amount is too large.',
    proof_rejected:
      'The payment page sent back something that does not belong to this payment. If you paid, your balance will show it.',
    request_too_large: 'This request is too large.',
    unsupported_media_type:
      'The page sent a request that the shop does not understand. Please reload it.',
    method_not_allowed: 'The page asked for something that the shop does not do. Please reload it.',
    // Who asked.
    unauthorized: 'Your session has ended. Please sign in again.',
    forbidden: 'This is not allowed with your account.',
    cross_origin: 'This page may not act for you in this shop.',
    customer_orders_off: 'Orders can’t be made here. Please order in the shop.',
    customer_disabled: 'Your account is switched off. Please ask the shop.',
    customer_erased: 'This account was deleted and can’t be used any more.',
    not_found: 'We could not find this.',
    // Money.
    insufficient_funds: 'There is not enough money in your wallet.',
    wallet_frozen: 'Your wallet is paused. Please ask the shop.',
    order_reference_exists: 'This order was placed already.',
    order_not_pending: 'This order is already paid or cancelled.',
    order_not_paid: 'Nothing has been paid for this order.',
    exceeds_balance_limit: 'Your wallet can’t hold that much.',
    exceeds_balance_cap: 'Your wallet would hold more than it may. Spend some of it first.',
    exceeds_monthly_load: 'You have reached what can be added in a month.',
    exceeds_yearly_load: 'You have reached what can be added in a year.',
    exceeds_daily_spend: 'You have reached what can be paid from the wallet in a day.',
    too_many_payments:
      'You have paid from the wallet very often in the last hour. Please wait a little.',
    too_many_top_ups:
      'You have added money as often as is possible in a day. Please try again tomorrow.',
    currency_not_covered: 'Your wallet can’t be used in this currency.',
    // The payment provider.
    gateway_off: 'This way to pay is switched off. Please choose another one.',
    gateway_rejected:
      'The payment provider refused. Nothing was taken; please choose another way to pay.',
    gateway_unavailable: 'The payment provider does not answer. Please try again in a moment.',
    confirm_unsupported: 'There is nothing to confirm here. Your balance will show the payment.',
    // Once more, or not.
    in_progress: 'This is still being worked on. Please wait a moment.',
    idempotency_key_reused: 'This was asked for before with something else. Please try again.',
    key_expired: 'This was done more than a month ago.',
    rate_limited: 'That was very often in a short time. Please wait a little.',
    too_many_streams:
      'Your balance is open in too many places. Please close one of them and try again.',
    internal_error: 'Something failed in the shop. Nothing is half done; please try again.',
    database_unavailable: 'The shop is busy. Please try again in a moment.',
    issuer_unavailable: 'The shop can’t check who you are just now. Please try again in a moment.',
    not_ready: 'The shop is about to open. Please try again in a moment.',
    outcome_unknown:
      'We are not sure yet whether this was done. Try again: it is never done twice.',
    clock_behind: 'The shop has a problem with its clock. Please try again in a moment.',
    overloaded: 'The shop is very busy. Please try again in a moment.',
  },
  outcomes: {
    added: '{amount} was added to your wallet.',
    paid: '{amount} was paid. Thank you!',
    processing: 'Your payment is on its way. Your balance will show it as soon as it arrives.',
    failed: 'The payment did not go through. Nothing was taken from your wallet.',
    abandoned: 'The payment is not finished. Nothing was taken so far.',
    expired: 'The time for this payment is over. Please start again.',
    review: 'Your payment arrived and is being checked by the shop. It is not lost.',
    cancelled: 'This order was cancelled.',
  },
  words: {
    open_upi: 'Open your UPI app',
    scan_upi: 'Scan this code with any UPI app',
    have_paid: 'I have paid',
    cancel: 'Cancel',
  },
};

/**
 * A sentence with its amount written out.
 *
 * @param {string} template
 * @param {Record<string, string>} values
 */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}
