/** The customer's token: given, or fetched when it is needed and once more when it is refused. */

/**
 * A token, or a function that fetches one. An empty text sends none: then the shop's own session
 * (its cookie) says who calls.
 *
 * @typedef {string | (() => string | Promise<string>)} TokenSource
 */

export class Tokens {
  /** @type {Promise<string> | null} */
  #fetched = null;

  /** @param {TokenSource} source */
  constructor(source) {
    this.source = source;
  }

  /** Whether a refused token can be replaced by a new one. */
  get canRenew() {
    return typeof this.source === 'function';
  }

  /**
   * The token to send. Raises what the shop's function raises.
   *
   * @returns {Promise<string>}
   */
  current() {
    if (typeof this.source === 'string') return Promise.resolve(this.source);
    this.#fetched ??= this.#fetch(this.source);
    return this.#fetched;
  }

  /**
   * The token after `refused` was refused. Of several calls that were refused at once one fetches
   * it, and the others wait for that.
   *
   * @param {string} refused
   * @returns {Promise<string>}
   */
  async renewed(refused) {
    const known = this.#fetched;
    const isStale = known !== null && (await known.catch(() => refused)) === refused;
    if (isStale && this.#fetched === known) this.#fetched = null;
    return this.current();
  }

  /** @param {() => string | Promise<string>} source @returns {Promise<string>} */
  #fetch(source) {
    const fetched = Promise.resolve().then(source);
    fetched.catch(() => {
      if (this.#fetched === fetched) this.#fetched = null; // the next call asks again
    });
    return fetched;
  }
}
