/** Looking again and again while somebody looks at the page and it is online. */

/**
 * @param {number} everyMs
 * @param {() => Promise<void>} look may fail while the demo is not there: it is looked again later
 */
export function whileSeen(everyMs, look) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isLooking = false;

  async function turn() {
    clearTimeout(timer);
    if (isLooking || document.hidden || !navigator.onLine) return;
    isLooking = true;
    try {
      await look();
    } catch {
      // Gone for a moment, as the demo is while it is started again.
    }
    isLooking = false;
    timer = setTimeout(turn, everyMs);
  }

  document.addEventListener('visibilitychange', turn);
  window.addEventListener('online', turn);
  void turn();
}
