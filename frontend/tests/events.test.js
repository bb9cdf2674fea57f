import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readEvents } from '../client/events.js';
import { SILENCE_MS_MAX } from '../client/watching.js';
import { fakeClient, fakeClock, fakeNetwork, json, problem } from './support.js';

/** @param {...(string | Uint8Array)} chunks */
function streamOf(...chunks) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
}

/** @param {...string} chunks */
const events = (...chunks) =>
  new Response(streamOf(...chunks), { headers: { 'content-type': 'text/event-stream' } });

/** @param {number} id @param {number} balance */
const told = (id, balance) => `id: ${id}\nevent: balance\ndata: {"balance": ${balance}}\n\n`;

/** @param {AsyncIterable<any>} source @param {number} count @param {AbortController} [stopper] */
async function take(source, count, stopper) {
  const found = [];
  for await (const each of source) {
    found.push(each);
    if (found.length === count) {
      stopper?.abort();
      break;
    }
  }
  return found;
}

test('a stream is read as the standard says', async () => {
  const rupee = new TextEncoder().encode('data: ₹\n\n');
  const stream = streamOf(
    ': hello\n\n',
    'event: a\r\ndata: 1\r',
    '\ndata:2\r\n\r\n',
    'id: 7\n\n',
    'data\n\n',
    rupee.slice(0, 7),
    rupee.slice(7),
    'data: never ended',
  );
  const read = [];
  for await (const each of readEvents(stream)) read.push(each);
  assert.deepEqual(read, [
    { event: 'a', data: '1\n2', id: '' },
    { event: 'message', data: '', id: '7' },
    { event: 'message', data: '₹', id: '7' },
  ]);
});

test('a broken stream goes on where it was', async () => {
  const network = fakeNetwork(
    events(told(1, 100)),
    new TypeError('fetch failed'),
    events(told(2, 200)),
  );
  const { client, clock } = fakeClient(network);
  const wallets = await take(client.walletEvents({ currency: 'INR' }), 2);
  assert.deepEqual(wallets, [{ balance: 100 }, { balance: 200 }]);
  assert.equal(network.asked[0].url, 'https://shop.example/api/v1/wallet/events?currency=INR');
  assert.equal('Last-Event-ID' in network.asked[0].init.headers, false);
  assert.equal(network.asked[2].init.headers['Last-Event-ID'], '1');
  assert.equal(clock.slept.length, 2);
});

test('a full house is asked again when it says', async () => {
  const busy = problem(503, 'overloaded', { 'retry-after': '3' });
  const { client, clock } = fakeClient(fakeNetwork(busy, json({ balance: 4 }), events(told(1, 5))));
  const wallets = await take(client.walletEvents(), 2);
  assert.deepEqual(wallets, [{ balance: 4 }, { balance: 5 }]); // asked for meanwhile
  assert.ok(clock.slept[0] >= 3_000);
});

test('where no stream can be had the balance is asked for', async () => {
  for (const refusal of [problem(404, 'not_found'), new Response('<h1>No</h1>')]) {
    const network = fakeNetwork(
      refusal,
      json({ balance: 1 }),
      json({ balance: 1 }),
      json({ balance: 2 }),
    );
    const { client, clock } = fakeClient(network);
    const stopper = new AbortController();
    const wallets = await take(
      client.walletEvents({ signal: stopper.signal, askMs: 3000 }),
      2,
      stopper,
    );
    assert.deepEqual(wallets, [{ balance: 1 }, { balance: 2 }]);
    assert.deepEqual(clock.slept, [3000, 3000]);
  }
});

test('a customer who is refused is told', async () => {
  const { client } = fakeClient(fakeNetwork(problem(403, 'customer_disabled')));
  await assert.rejects(take(client.walletEvents(), 1), { code: 'customer_disabled' });
});

test('a token that has expired is renewed for the stream too', async () => {
  const network = fakeNetwork(problem(401, 'unauthorized'), events(told(1, 5)));
  let fetched = 0;
  const { client } = fakeClient(network, { token: () => `t${(fetched += 1)}` });
  await take(client.walletEvents(), 1);
  assert.equal(network.asked[1].init.headers.Authorization, 'Bearer t2');
});

test('a line that has fallen silent is dialled again', async () => {
  const clock = fakeClock();
  const silent = (/** @type {any} */ _, /** @type {any} */ init) =>
    new Response(
      new ReadableStream({
        start(controller) {
          init.signal.addEventListener('abort', () => controller.error(new Error('aborted')));
        },
      }),
      { headers: { 'content-type': 'text/event-stream' } },
    );
  const answers = [silent, () => events(told(1, 5))];
  const environment = {
    ...clock,
    fetch: async (/** @type {any} */ url, /** @type {any} */ init) =>
      /** @type {any} */ (answers.shift())(url, init),
    sleep: async (/** @type {number} */ ms) => {
      clock.ms += ms;
      await new Promise((wake) => setImmediate(wake));
    },
    now: () => clock.ms,
  };
  const began = clock.ms;
  const { client } = fakeClient({ fetch: environment.fetch }, { environment });
  assert.deepEqual(await take(client.walletEvents(), 1), [{ balance: 5 }]);
  assert.ok(clock.ms - began >= SILENCE_MS_MAX);
});

test('whoever stops listening hears no more, and no error', async () => {
  const stopper = new AbortController();
  const network = fakeNetwork(
    /** @type {any} */ (
      () => {
        stopper.abort();
        return Promise.reject(new Error('aborted'));
      }
    ),
  );
  const { client } = fakeClient(network);
  assert.deepEqual(await take(client.walletEvents({ signal: stopper.signal }), 1), []);
});
