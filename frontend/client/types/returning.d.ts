/** A customer who comes back from a provider's page, in this window or in one of its own. */
export type Pending = import('./pending.js').Pending;
export type Proof = Record<string, string>;
/**
 * What an address has that we did not give the provider: that is the provider's.
 *
 * @param {string} url
 * @param {Pending[]} pending
 * @returns {{ pending: Pending, proof: Proof, tag: string } | null}
 */
export declare function readReturn(url: string, pending: Pending[]): {
    pending: Pending;
    proof: Proof;
    tag: string;
} | null;
/**
 * The address of the page itself, without what a provider or we have put there.
 *
 * @param {string} url
 * @param {string | undefined} returnUrl
 */
export declare function ownAddress(url: string, returnUrl: string | undefined): string;
/**
 * Hand what came back to the window that waits for it. False where none does: it was closed, or
 * the customer came back in the window that they had left.
 *
 * @param {string} tag
 * @param {Proof} proof
 * @returns {Promise<boolean>}
 */
export declare function handOver(tag: string, proof: Proof): Promise<boolean>;
/**
 * Wait for a window that comes back with this tag. Returns a function that ends the wait.
 *
 * @param {string} tag
 * @param {(proof: Proof) => void} take
 * @returns {() => void}
 */
export declare function awaitReturn(tag: string, take: (proof: Proof) => void): () => void;
