import assert from 'node:assert/strict';
import { test } from 'node:test';

import { INTENT_LIFE_MS, newIdempotencyKey } from '../client/intents.js';
import { MemoryStore, SturdyStore } from '../client/stores.js';
import { fakeClient, fakeNetwork, json, problem } from './support.js';

const BODY = { amount: 50_000, currency: 'INR', gateway: 'razorpay' };
const opened = () => json({ id: 'top_1', checkout: null }, 201);
const lost = () => Promise.reject(new TypeError('fetch failed'));

/** @param {any} network */
const keys = (network) =>
  network.asked.map((/** @type {any} */ { init }) => init.headers['Idempotency-Key']);

/** @param {any} network @param {object} [options] */
const once = (network, options) => fakeClient(network, { retrying: { triesMax: 1 }, ...options });

test('a double tap is one call with one answer', async () => {
  const network = fakeNetwork(opened);
  const { client } = fakeClient(network);
  const [first, second] = await Promise.all([client.topUp(BODY), client.topUp({ ...BODY })]);
  assert.deepEqual(first, second);
  assert.equal(network.asked.length, 1);
});

test('the order of the fields makes no other wish, an amount does', async () => {
  const network = fakeNetwork(opened, opened);
  const { client } = fakeClient(network);
  await Promise.all([
    client.topUp(BODY),
    client.topUp({ gateway: 'razorpay', currency: 'INR', amount: 50_000 }),
    client.topUp({ ...BODY, amount: 50_001 }),
  ]);
  assert.equal(network.asked.length, 2);
});

test('a lost answer is asked for again after a reload, letter by letter', async () => {
  const network = fakeNetwork(lost, opened);
  const { client, tab } = once(network);
  const here = { ...BODY, return_url: 'https://shop.example/a' };
  await assert.rejects(client.topUp(here), { code: 'network' });
  const reloaded = once(network, { stores: { tab, site: new MemoryStore() } }).client;
  await reloaded.topUp({ ...BODY, return_url: 'https://shop.example/b' });
  assert.equal(new Set(keys(network)).size, 1);
  assert.deepEqual(JSON.parse(network.asked[1].init.body), here);
});

test('what has its answer is over: the next tap is a new wish', async () => {
  for (const ends of [
    opened,
    () => problem(402, 'insufficient_funds'),
    () => problem(409, 'order_not_pending'),
  ]) {
    const network = fakeNetwork(ends, opened);
    const { client } = once(network);
    await client.topUp(BODY).catch(() => {});
    await client.topUp(BODY);
    assert.equal(new Set(keys(network)).size, 2);
  }
});

test('what says nothing of the first try keeps its key', async () => {
  for (const [status, code] of /** @type {[number, string][]} */ ([
    [401, 'unauthorized'],
    [403, 'customer_disabled'],
    [409, 'in_progress'],
    [429, 'rate_limited'],
    [500, 'internal_error'],
    [503, 'outcome_unknown'],
  ])) {
    const network = fakeNetwork(() => problem(status, code), opened);
    const { client } = once(network);
    await assert.rejects(client.topUp(BODY), { code });
    await client.topUp(BODY);
    assert.equal(new Set(keys(network)).size, 1, code);
  }
});

test("a proxy's answer says nothing of it either", async () => {
  const network = fakeNetwork(() => new Response('<h1>Bad gateway</h1>', { status: 502 }), opened);
  const { client } = once(network);
  await assert.rejects(client.topUp(BODY), { code: 'unreadable_answer' });
  await client.topUp(BODY);
  assert.equal(new Set(keys(network)).size, 1);
});

test('after half an hour the same tap is a new wish', async () => {
  const network = fakeNetwork(lost, opened);
  const { client, clock, tab } = once(network);
  await assert.rejects(client.topUp(BODY));
  clock.ms += INTENT_LIFE_MS;
  const later = { ...clock, now: clock.now, fetch: network.fetch };
  await once(network, { stores: { tab }, environment: later }).client.topUp(BODY);
  assert.equal(new Set(keys(network)).size, 2);
});

test('two tabs are two wishes', async () => {
  const network = fakeNetwork(opened, opened);
  await Promise.all([once(network).client.topUp(BODY), once(network).client.topUp(BODY)]);
  assert.equal(new Set(keys(network)).size, 2);
});

test('whoever gives up does not take the payment from whoever waits', async () => {
  /** @type {(response: Response) => void} */
  let answer = () => {};
  const network = fakeNetwork(/** @type {any} */ (() => new Promise((done) => (answer = done))));
  const { client } = once(network);
  const giveUp = new AbortController();
  const left = client.topUp(BODY, { signal: giveUp.signal });
  const stayed = client.topUp(BODY);
  giveUp.abort();
  await assert.rejects(left, { code: 'aborted' });
  await new Promise((wake) => setImmediate(wake));
  answer(opened());
  assert.equal((await stayed).id, 'top_1');
});

test('a store that refuses is no reason not to pay', async () => {
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
    removeItem: () => {},
  };
  const network = fakeNetwork(lost, opened);
  const { client } = once(network, { stores: { tab: new SturdyStore(() => full) } });
  await assert.rejects(client.topUp(BODY), { code: 'network' });
  await client.topUp(BODY);
  assert.equal(new Set(keys(network)).size, 1);
});

test('what somebody else left in the store is no intent of ours', async () => {
  for (const left of ['not JSON', '{"key": 1}', '[]', 'null']) {
    const tab = new MemoryStore();
    const network = fakeNetwork(opened);
    const { client } = once(network, { stores: { tab } });
    tab.getItem = () => left;
    await client.topUp(BODY);
    assert.match(keys(network)[0], /^[a-p]{32}$/);
  }
});

test('no key looks like a card number, and no two are the same', () => {
  const made = new Set(Array.from({ length: 1000 }, newIdempotencyKey));
  assert.equal(made.size, 1000);
  for (const key of made) assert.match(key, /^[a-p]{32}$/);
});
