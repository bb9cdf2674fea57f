/** The wallet as it changes: by a stream of events, or by asking where no stream can be had. */

import { BatuaError } from './errors.js';
import { readEvents } from './events.js';

/** @typedef {import('./api.js').WalletView} WalletView */
/** @typedef {import('./http.js').Http} Http */

/**
 * @typedef {object} WatchOptions
 * @property {string} [currency]
 * @property {AbortSignal} [signal] ends it, without an error
 * @property {number} [askMs] between two questions where there is no stream
 */

/** The API says something every few seconds; after this long in silence the line is dead. */
export const SILENCE_MS_MAX = 45_000;
const ASK_MS = 10_000;
const WAIT_MS_FIRST = 500;
const WAIT_MS_MAX = 30_000;

/**
 * The wallet now, and again whenever it has changed, until the signal ends it. A broken stream is
 * resumed from the last event that was seen. Raises `BatuaError` where the customer is refused.
 *
 * @param {Http} http
 * @param {WatchOptions} [options]
 * @returns {AsyncGenerator<WalletView>}
 */
export async function* watchWallet(http, { currency, signal, askMs = ASK_MS } = {}) {
  let lastEventId = '';
  for (let failures = 0; !signal?.aborted; failures += 1) {
    let retryAfterMs = 0;
    try {
      for await (const { event, data, id } of streamed(http, { currency, signal, lastEventId })) {
        [lastEventId, failures] = [id, 0];
        if (event === 'balance') yield JSON.parse(data);
      }
    } catch (error) {
      if (!(error instanceof BatuaError)) throw error;
      if (signal?.aborted) return;
      if (!error.isRetryable && !isStreamless(error)) throw error;
      if (isStreamless(error)) return yield* asked(http, { currency, signal, askMs });
      retryAfterMs = error.retryAfterMs ?? 0;
      if (isFull(error)) yield* now(http, { currency, signal });
    }
    const longest = Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** failures);
    const wait = retryAfterMs + longest * (0.5 + http.environment.random() / 2);
    await http.environment.sleep(wait, signal);
  }
}

/** As many places watch as may be, the customer's or all. @param {BatuaError} error */
const isFull = ({ status }) => status === 429 || status === 503;

/** A shop of before, or a proxy that lets no stream through. @param {BatuaError} error */
function isStreamless(error) {
  return [404, 405, 406, 501].includes(error.status) || error.code === 'unreadable_answer';
}

/**
 * One connection's events, until it ends or falls silent.
 *
 * @param {Http} http
 * @param {{ currency?: string, signal?: AbortSignal, lastEventId: string }} wanted
 */
async function* streamed(http, { currency, signal, lastEventId }) {
  const { environment } = http;
  const stopper = new AbortController();
  const stop = () => stopper.abort();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  let heardAt = environment.now();
  void endInSilence(() => heardAt, stopper, environment);
  try {
    const headers = lastEventId ? { 'Last-Event-ID': lastEventId } : undefined;
    const call = { query: { currency }, accept: 'text/event-stream', headers };
    const response = await http.open('watch_wallet', call, stopper.signal);
    if (!response.ok) throw await http.refusal(response);
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream') || !response.body)
      throw http.error('unreadable_answer');
    yield* readEvents(response.body, () => {
      heardAt = environment.now();
    });
  } catch (cause) {
    throw cause instanceof BatuaError ? cause : http.error('network', cause);
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * @param {() => number} heardAt
 * @param {AbortController} stopper
 * @param {import('./environment.js').Environment} environment
 */
async function endInSilence(heardAt, stopper, environment) {
  while (!stopper.signal.aborted) {
    const left = heardAt() + SILENCE_MS_MAX - environment.now();
    if (left <= 0) return stopper.abort();
    await environment.sleep(left, stopper.signal);
  }
}

/** @param {Http} http @param {WatchOptions & { askMs: number }} wanted */
async function* asked(http, { currency, signal, askMs }) {
  let known = '';
  while (!signal?.aborted) {
    for await (const wallet of now(http, { currency, signal })) {
      const told = JSON.stringify(wallet);
      if (told !== known) yield wallet;
      known = told;
    }
    await http.environment.sleep(askMs, signal);
  }
}

/** The wallet, or nothing while nobody can tell. @param {Http} http @param {WatchOptions} wanted */
async function* now(http, { currency, signal }) {
  try {
    yield await http.call('get_wallet', { query: { currency }, signal });
  } catch (error) {
    const isPassing = error instanceof BatuaError && (error.isRetryable || signal?.aborted);
    if (!isPassing) throw error;
  }
}
