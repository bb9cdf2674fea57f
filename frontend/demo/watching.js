/** Looking again and again while somebody looks at the page and it is online. */

/**
 * @param {AbortSignal} signal ends it
 * @param {number} everyMs
 * @param {() => Promise<void>} look may fail while the demo is not there: it is looked again later
 */
export function whileSeen(signal, everyMs, look) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isLooking = false;

  async function turn() {
    clearTimeout(timer);
    if (isLooking || signal.aborted || document.hidden || !navigator.onLine) return;
    isLooking = true;
    try {
      await look();
    } catch {
      // Gone for a moment, as the demo is while it is started again.
    }
    isLooking = false;
    if (!signal.aborted) timer = setTimeout(turn, everyMs);
  }

  document.addEventListener('visibilitychange', turn, { signal });
  window.addEventListener('online', turn, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  void turn();
}
