/** Watching the wallet while somebody looks at the page: a tab in the back asks nothing. */

/** @typedef {import('../client/client.js').BatuaClient} BatuaClient */
/** @typedef {import('../client/api.js').WalletView} WalletView */

/**
 * Resolves with the first that is known of the wallet; raises why nothing will be.
 *
 * @param {BatuaClient} client
 * @param {string} currency
 * @param {AbortSignal} signal
 * @param {(wallet: WalletView) => void} show
 * @returns {Promise<void>}
 */
export function watchWhileVisible(client, currency, signal, show) {
  let looking = new AbortController();
  signal.addEventListener('abort', () => looking.abort());
  return new Promise((resolve, reject) => {
    async function look() {
      looking = new AbortController();
      try {
        for await (const wallet of client.walletEvents({ currency, signal: looking.signal })) {
          show(wallet);
          resolve();
        }
      } catch (error) {
        reject(error);
      }
    }
    const turn = () => {
      looking.abort();
      if (!document.hidden) void look();
    };
    document.addEventListener('visibilitychange', turn, { signal });
    void look();
  });
}
