/** The simulators' control routes: what a provider's dashboard would be. */

/** What is wrong on purpose. @param {string} url of a simulator */
export async function readFaults(url) {
  return (await asked(`${url}/_control/faults`)).json();
}

/** @param {string} url of a control route @param {object} body */
export async function act(url, body) {
  return (await asked(url, { method: 'POST', body: JSON.stringify(body) })).json();
}

/** What a provider took. @param {string} url of a simulator @returns {Promise<Capture[]>} */
export async function readLedger(url) {
  return (await (await asked(`${url}/_control/ledger`)).json()).captures;
}

/**
 * @typedef {object} Capture
 * @property {string} id
 * @property {string} reference
 * @property {number} amount
 * @property {string} currency
 * @property {{ amount: number, status: string }[]} refunds
 * @property {{ amount: number, status: string }[]} disputes
 */

/**
 * An action of a button's, which says so where nobody answers.
 *
 * @template {any[]} A
 * @param {HTMLElement} said
 * @param {(...told: A) => Promise<void>} action
 * @returns {(...told: A) => Promise<void>}
 */
export function trying(said, action) {
  return async (...told) => {
    try {
      await action(...told);
    } catch {
      said.textContent = 'The demo does not answer. Is it still running?';
    }
  };
}

/** @param {string} url @param {RequestInit} [how] */
async function asked(url, how) {
  const answer = await fetch(url, how);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer;
}
