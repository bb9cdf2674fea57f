/** The customer's token: given, or fetched when it is needed and once more when it is refused. */
export type TokenSource = string | (() => string | Promise<string>);
/**
 * A token, or a function that fetches one. An empty text sends none: then the shop's own session
 * (its cookie) says who calls.
 *
 * @typedef {string | (() => string | Promise<string>)} TokenSource
 */
export declare class Tokens {
    #private;
    source: TokenSource;
    /** @param {TokenSource} source */
    constructor(source: TokenSource);
    /** Whether a refused token can be replaced by a new one. */
    get canRenew(): boolean;
    /**
     * The token to send. Raises what the shop's function raises.
     *
     * @returns {Promise<string>}
     */
    current(): Promise<string>;
    /**
     * The token after `refused` was refused. Of several calls that were refused at once one fetches
     * it, and the others wait for that.
     *
     * @param {string} refused
     * @returns {Promise<string>}
     */
    renewed(refused: string): Promise<string>;
}
