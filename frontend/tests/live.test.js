/** Against a shop that is open: `tests/frontend/test_client.py` starts it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BatuaError, MemoryStore } from '../client/index.js';
import { liveClient, newReference, payAtProvider, shop, until } from './support.js';

const options = {
  skip: shop.base ? false : 'BATUA_SHOP says where no shop is: run pytest tests/frontend',
};
const TOP_UP = { amount: 50_000, currency: 'INR', gateway: 'razorpay' };

/** The first answer that is a payment's is lost on its way; the shop has done it. */
function losingFetch() {
  let lost = 0;
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    const answer = await globalThis.fetch(url, init);
    if (init.method === 'POST' && lost === 0) {
      lost += 1;
      await answer.text();
      throw new TypeError('the connection was closed');
    }
    return answer;
  };
  return { fetch, lost: () => lost };
}

test(
  'a top-up is opened, paid at the provider and seen in wallet and statement',
  options,
  async () => {
    const client = liveClient('asha');
    const before = await client.wallet();
    const opened = await client.topUp(TOP_UP);
    assert.equal(opened.status, 'pending');
    const paid = await payAtProvider(opened.checkout);
    await until(async () => (await client.readTopUp(opened.id)).status === 'succeeded');
    assert.equal(paid.status, 'captured');
    assert.equal((await client.wallet()).balance, before.balance + 50_000);
    const [newest] = (await client.transactions({ limit: 1 })).items;
    assert.deepEqual([newest.top_up, newest.amount], [opened.id, 50_000]);
  },
);

test('a proof that the browser brings back is checked', options, async () => {
  const client = liveClient('asha');
  const opened = await client.topUp({ ...TOP_UP, amount: 10_000 });
  const forged = {
    razorpay_order_id: opened.checkout?.provider_reference,
    razorpay_payment_id: 'pay_00000000000000',
    razorpay_signature: '0'.repeat(64),
  };
  await assert.rejects(client.confirmTopUp(opened.id, forged), {
    code: 'proof_rejected',
    status: 400,
  });
  assert.equal((await client.readTopUp(opened.id)).credited, 0);
});

test('an order is paid with one tap, once, however often it is tapped', options, async () => {
  const client = liveClient('asha');
  const before = (await client.wallet()).balance;
  const order = /** @type {const} */ ({
    reference: newReference(),
    amount: 1_500,
    currency: 'INR',
    pay_with: 'wallet',
  });
  const answers = await Promise.all([client.createOrder(order), client.createOrder(order)]);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['paid']));
  await assert.rejects(client.createOrder(order), { code: 'order_reference_exists' });
  assert.equal((await client.wallet()).balance, before - 1_500);
});

test(
  'an answer that was lost is had by asking again, and nothing is paid twice',
  options,
  async () => {
    const network = losingFetch();
    const client = liveClient('asha', { environment: { fetch: network.fetch } });
    const before = (await client.wallet()).balance;
    const paid = await client.createOrder({
      reference: newReference(),
      amount: 700,
      currency: 'INR',
      pay_with: 'wallet',
    });
    assert.equal(network.lost(), 1);
    assert.equal(paid.status, 'paid');
    assert.equal((await client.wallet()).balance, before - 700);
  },
);

test('a reload in between asks for the same top-up, not for another one', options, async () => {
  const tab = new MemoryStore();
  const network = losingFetch();
  const impatient = {
    stores: { tab },
    retrying: { triesMax: 1 },
    environment: { fetch: network.fetch },
  };
  const amount = { ...TOP_UP, amount: 12_300 };
  await assert.rejects(liveClient('ravi', impatient).topUp(amount), { code: 'network' });
  const again = await liveClient('ravi', { stores: { tab } }).topUp(amount);
  const another = await liveClient('ravi', { stores: { tab } }).topUp(amount);
  assert.notEqual(again.id, another.id);
  assert.equal(again.amount, 12_300);
});

test('two tabs pay an order once', options, async () => {
  const [one, other] = [liveClient('asha'), liveClient('asha')];
  const order = await one.createOrder({ reference: newReference(), amount: 900, currency: 'INR' });
  const before = (await one.wallet()).balance;
  const taps = [
    one.payOrder(order.id, { method: 'wallet' }),
    other.payOrder(order.id, { method: 'wallet' }),
  ];
  const codes = (await Promise.allSettled(taps)).map((each) =>
    each.status === 'fulfilled' ? each.value.order.status : each.reason.code,
  );
  assert.deepEqual(codes.sort(), ['order_not_pending', 'paid']);
  assert.equal((await one.wallet()).balance, before - 900);
});

test('what the wallet lacks is paid by a gateway', options, async () => {
  const client = liveClient('ravi');
  const { available } = await client.wallet();
  const order = await client.createOrder({
    reference: newReference(),
    amount: available + 20_000,
    currency: 'INR',
  });
  await assert.rejects(client.payOrder(order.id, { method: 'wallet' }), (error) => {
    assert.ok(error instanceof BatuaError);
    assert.equal(error.message, 'There is not enough money in your wallet.');
    return error.code === 'insufficient_funds';
  });
  const split = await client.payOrder(order.id, { method: 'split', gateway: 'razorpay' });
  assert.equal(split.payment.amount, 20_000);
  await payAtProvider(split.checkout);
  const paid = await until(async () => {
    const read = await client.order(order.id);
    return read.status === 'paid' && read;
  });
  assert.deepEqual([paid.paid_from_wallet, paid.paid_by_gateway], [available, 20_000]);
});

test('an order that is cancelled is paid by nobody', options, async () => {
  const client = liveClient('asha');
  const order = await client.createOrder({
    reference: newReference(),
    amount: 100,
    currency: 'INR',
  });
  assert.equal((await client.cancelOrder(order.id)).status, 'cancelled');
  await assert.rejects(client.payOrder(order.id, { method: 'wallet' }), {
    code: 'order_not_pending',
  });
});

test('a refund is followed', options, async () => {
  const client = liveClient('asha');
  const order = await client.createOrder({
    reference: newReference(),
    amount: 400,
    currency: 'INR',
    pay_with: 'wallet',
  });
  const made = await fetch(`${shop.api}/orders/${order.id}/refunds`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${shop.tokens.staff}`, 'Idempotency-Key': newReference() },
    body: JSON.stringify({ amount: 150, to: 'wallet', reason: 'damaged' }),
  });
  const refund = await client.refund((await made.json()).id);
  assert.deepEqual([refund.status, refund.amount, refund.order], ['succeeded', 150, order.id]);
  assert.equal((await client.order(order.id)).refunded, 150);
});

test('the statement is read to its end, page by page, and as CSV', options, async () => {
  const client = liveClient('asha');
  for (let count = 0; count < 3; count += 1) {
    await client.createOrder({
      reference: newReference(),
      amount: 10,
      currency: 'INR',
      pay_with: 'wallet',
    });
  }
  const whole = (await client.transactions({ limit: 100 })).items.map(({ id }) => id);
  const paged = [];
  for await (const item of client.allTransactions({ limit: 2 })) paged.push(item.id);
  assert.deepEqual(paged, whole);
  const [head, ...rows] = (await client.statementCsv()).trim().split('\r\n');
  assert.ok(head.startsWith('id,kind,amount,balance_after,'), head);
  assert.equal(rows.length, whole.length);
  const orders = await client.orders({ status: 'paid', limit: 1 });
  assert.equal(orders.items.length, 1);
});

test('what the gateways are and need is told', options, async () => {
  const gateways = await liveClient('asha').gateways();
  const razorpay = gateways.find(({ code }) => code === 'razorpay');
  assert.equal(razorpay?.state, 'test');
  assert.ok(razorpay?.currencies.includes('INR'));
});

test('a token that is refused is fetched anew, and once', options, async () => {
  const tokens = ['not.a.token', shop.tokens.asha];
  let fetched = 0;
  const client = liveClient('asha', { token: () => tokens[fetched++] });
  assert.equal((await client.wallet()).customer, 'asha');
  assert.equal(fetched, 2);
});

test('what does not fit says which field', options, async () => {
  const bad = { ...TOP_UP, amount: -5 };
  await assert.rejects(liveClient('asha').topUp(bad), (error) => {
    assert.ok(error instanceof BatuaError);
    assert.equal(error.errors[0].pointer, '/amount');
    return error.code === 'invalid_request';
  });
});
