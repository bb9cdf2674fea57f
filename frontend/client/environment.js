/** What the client takes from its surroundings, so that a test may bring its own. */

/**
 * @typedef {object} Environment
 * @property {typeof fetch} fetch
 * @property {() => number} now milliseconds since 1970
 * @property {() => number} random from 0 up to, not including, 1
 * @property {(ms: number, signal?: AbortSignal | null) => Promise<void>} sleep ends early, without
 *   an error, when the signal is aborted
 */

/** @param {number} ms @param {AbortSignal | null} [signal] @returns {Promise<void>} */
function sleep(ms, signal) {
  return new Promise((wake) => {
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      wake();
    };
    const timer = setTimeout(stop, ms);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
  });
}

/** @param {Partial<Environment>} [own] @returns {Environment} */
export function environment(own = {}) {
  return {
    fetch: (...asked) => globalThis.fetch(...asked),
    now: () => Date.now(),
    random: () => Math.random(),
    sleep,
    ...own,
  };
}
