/** From what the browser knows of a payment to what the API says of it. */
export type BatuaClient = import('./client.js').BatuaClient;
export type Outcome = import('./outcomes.js').Outcome;
export type Pending = import('./pending.js').Pending;
export type Proof = import('./returning.js').Proof;
/**
 * The end of a payment. What a browser brings is never believed: the API asks the provider. Raises
 * `BatuaError` where nobody can be asked; the payment is kept, to be asked for later.
 *
 * @param {BatuaClient} client
 * @param {Pending} pending
 * @param {Proof} [proof]
 * @returns {Promise<Outcome>}
 */
export declare function settle(client: BatuaClient, pending: Pending, proof?: Proof): Promise<Outcome>;
/**
 * How it stands now.
 *
 * @param {BatuaClient} client
 * @param {Pending} pending
 * @returns {Promise<Outcome>}
 */
export declare function look(client: BatuaClient, pending: Pending): Promise<Outcome>;
