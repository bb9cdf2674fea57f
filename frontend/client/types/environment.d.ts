/** What the client takes from its surroundings, so that a test may bring its own. */
export type Environment = {
    fetch: typeof fetch;
    /**
     * milliseconds since 1970
     */
    now: () => number;
    /**
     * from 0 up to, not including, 1
     */
    random: () => number;
    /**
     * ends early, without
     * an error, when the signal is aborted
     */
    sleep: (ms: number, signal?: AbortSignal | null) => Promise<void>;
};
/** @param {Partial<Environment>} [own] @returns {Environment} */
export declare function environment(own?: Partial<Environment>): Environment;
