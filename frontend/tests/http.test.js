import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BatuaError } from '../client/index.js';
import { fakeClient, fakeClock, fakeNetwork, json, problem } from './support.js';

const WALLET = { id: 'wal_1', balance: 5 };
const BODY = { amount: 50_000, currency: 'INR', gateway: 'razorpay' };

/** @param {Promise<any>} call @param {object} expected */
const refuses = (call, expected) =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof BatuaError, String(error));
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(/** @type {any} */ (error)[name], value, name);
    }
    return true;
  });

test('a call says who asks, and for what', async () => {
  const network = fakeNetwork(json(WALLET));
  const { client } = fakeClient(network);
  assert.deepEqual(await client.wallet({ currency: 'USD' }), WALLET);
  const [{ url, init }] = network.asked;
  assert.equal(url, 'https://shop.example/api/v1/wallet?currency=USD');
  assert.equal(init.headers.Authorization, 'Bearer t1');
  assert.equal(init.credentials, 'omit');
});

test("without a token the shop's own session is sent along", async () => {
  const network = fakeNetwork(json(WALLET));
  await fakeClient(network, { token: '' }).client.wallet();
  assert.equal('Authorization' in network.asked[0].init.headers, false);
  assert.equal(network.asked[0].init.credentials, 'same-origin');
});

test('an id is a part of the path, whatever is in it', async () => {
  const network = fakeNetwork(json({}));
  await fakeClient(network).client.order('../wallet?x');
  assert.equal(network.asked[0].url, 'https://shop.example/api/v1/orders/..%2Fwallet%3Fx');
});

test('a problem becomes an error with a sentence for people', async () => {
  const { client } = fakeClient(fakeNetwork(problem(402, 'insufficient_funds')));
  await refuses(client.payOrder('ord_1', { method: 'wallet' }), {
    code: 'insufficient_funds',
    status: 402,
    detail: 'It is insufficient_funds.',
    message: 'There is not enough money in your wallet.',
    isRetryable: false,
    isFinal: true,
  });
});

test('an answer that is not ours is told as that', async () => {
  const page = () => new Response('<h1>Bad gateway</h1>', { status: 502 });
  const network = fakeNetwork(page, page, page, page);
  await refuses(fakeClient(network).client.wallet(), { code: 'unreadable_answer', status: 502 });
  assert.equal(network.asked.length, 4);
  const { client } = fakeClient(fakeNetwork(new Response('<h1>Hello</h1>')));
  await refuses(client.wallet(), { code: 'unreadable_answer', status: 0 });
});

test('what only reads is tried again, each time after a longer wait', async () => {
  const lost = new TypeError('fetch failed');
  const network = fakeNetwork(lost, problem(503, 'overloaded'), lost, json(WALLET));
  const { client, clock } = fakeClient(network);
  assert.deepEqual(await client.wallet(), WALLET);
  assert.deepEqual(clock.slept, [200, 400, 800]);
});

test('it is told when to come back, and comes then', async () => {
  const network = fakeNetwork(problem(429, 'rate_limited', { 'retry-after': '7' }), json(WALLET));
  const { client, clock } = fakeClient(network);
  await client.wallet();
  assert.deepEqual(clock.slept, [7_200]);
});

test('whoever must wait too long is told so instead', async () => {
  const network = fakeNetwork(problem(429, 'rate_limited', { 'retry-after': '60' }));
  await refuses(fakeClient(network).client.wallet(), { retryAfterMs: 60_000, isRetryable: true });
  assert.equal(network.asked.length, 1);
});

test('after four tries it gives up', async () => {
  const network = fakeNetwork(...Array.from({ length: 4 }, () => new TypeError('fetch failed')));
  await refuses(fakeClient(network).client.wallet(), { code: 'network', status: 0 });
  assert.equal(network.asked.length, 4);
});

test('a refusal is not tried again', async () => {
  const network = fakeNetwork(problem(404, 'not_found'));
  await refuses(fakeClient(network).client.order('ord_1'), { code: 'not_found' });
});

test('a payment is tried again with the key and the body that it had', async () => {
  const busy = problem(409, 'in_progress');
  const network = fakeNetwork(new TypeError('fetch failed'), busy, json({ id: 'top_1' }, 201));
  await fakeClient(network).client.topUp(BODY);
  const keys = new Set(network.asked.map(({ init }) => init.headers['Idempotency-Key']));
  assert.equal(keys.size, 1);
  assert.match([...keys][0], /^[a-p]{32}$/);
  assert.equal(new Set(network.asked.map(({ init }) => init.body)).size, 1);
});

test('a call that hangs ends in time', async () => {
  const hangs = () => new Promise(() => {});
  const network = fakeNetwork(/** @type {any} */ (hangs));
  const { client } = fakeClient(network, {
    environment: { ...fakeClock(), sleep: async () => {}, fetch: network.fetch },
    retrying: { triesMax: 1 },
  });
  await refuses(client.wallet(), { code: 'timeout', isRetryable: true });
  assert.equal(network.asked[0].init.signal.aborted, true);
});

test('a token that never comes ends in time too', async () => {
  const network = fakeNetwork();
  const { client } = fakeClient(network, {
    token: () => new Promise(() => {}),
    environment: { ...fakeClock(), sleep: async () => {}, fetch: network.fetch },
    retrying: { triesMax: 1 },
  });
  await refuses(client.wallet(), { code: 'timeout' });
});

test('whoever gives up is told at once, and nothing is tried again', async () => {
  const giveUp = new AbortController();
  const network = fakeNetwork(
    /** @type {any} */ (
      () => {
        giveUp.abort();
        return new Promise(() => {});
      }
    ),
  );
  await refuses(fakeClient(network).client.wallet({ signal: giveUp.signal }), { code: 'aborted' });
  const { client } = fakeClient(fakeNetwork());
  await refuses(client.wallet({ signal: giveUp.signal }), { code: 'aborted' });
  await refuses(client.topUp(BODY, { signal: giveUp.signal }), { code: 'aborted' });
});
