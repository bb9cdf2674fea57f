import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fakeClient, fakeNetwork, json, problem } from './support.js';

const refused = () => problem(401, 'unauthorized');

test('a token is fetched once for many calls', async () => {
  let fetched = 0;
  const token = async () => `t${(fetched += 1)}`;
  const network = fakeNetwork(json(1), json(2), json(3));
  const { client } = fakeClient(network, { token });
  await Promise.all([client.wallet(), client.gateways(), client.orders()]);
  assert.equal(fetched, 1);
});

test('calls that are refused together share one new token', async () => {
  let fetched = 0;
  const token = async () => `t${(fetched += 1)}`;
  const network = fakeNetwork(refused, refused, json(1), json(2));
  const { client } = fakeClient(network, { token });
  await Promise.all([client.wallet(), client.gateways()]);
  assert.equal(fetched, 2);
  const sent = network.asked.map(({ init }) => init.headers.Authorization);
  assert.deepEqual(sent, ['Bearer t1', 'Bearer t1', 'Bearer t2', 'Bearer t2']);
});

test('a call that is refused late takes the token that is there by then', async () => {
  let fetched = 0;
  const token = async () => `t${(fetched += 1)}`;
  /** @type {(response: Response) => void} */
  let answerLate = () => {};
  const late = () => new Promise((answer) => (answerLate = answer));
  const network = fakeNetwork(/** @type {any} */ (late), refused, json('soon'), json('late'));
  const { client } = fakeClient(network, { token });
  const slow = client.wallet();
  assert.equal(await client.gateways(), 'soon');
  answerLate(refused());
  assert.equal(await slow, 'late');
  assert.equal(fetched, 2);
});

test('a new token that is refused as well ends it', async () => {
  const network = fakeNetwork(refused, refused);
  const { client } = fakeClient(network, { token: () => 'bad' });
  await assert.rejects(client.wallet(), { code: 'unauthorized', status: 401 });
  assert.equal(network.asked.length, 2);
});

test('a given token is not sent twice in vain', async () => {
  const network = fakeNetwork(refused);
  await assert.rejects(fakeClient(network).client.wallet(), { code: 'unauthorized' });
  assert.equal(network.asked.length, 1);
});

test('a token that could not be fetched is asked for again next time', async () => {
  const answers = [
    () => {
      throw new Error('the shop is closed');
    },
    () => 't2',
  ];
  const token = () => /** @type {any} */ (answers.shift())();
  const { client } = fakeClient(fakeNetwork(json(1)), { token });
  await assert.rejects(client.wallet(), { code: 'token_unavailable' });
  assert.equal(await client.wallet(), 1);
});
