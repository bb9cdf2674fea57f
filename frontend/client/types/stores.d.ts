/**
 * Where the client keeps what must outlive a reload.
 *
 * A store holds texts by name: a browser's `Storage` is one, a test's own object another.
 */
export type Store = {
    getItem: (name: string) => string | null;
    setItem: (name: string, value: string) => void;
    removeItem: (name: string) => void;
};
/**
 * @typedef {object} Store
 * @property {(name: string) => string | null} getItem
 * @property {(name: string, value: string) => void} setItem
 * @property {(name: string) => void} removeItem
 */
/**
 * Forgets with the page: where a browser keeps nothing for us, and in tests.
 *
 * @implements {Store}
 */
export declare class MemoryStore implements Store {
    #private;
    /** @param {string} name */
    getItem(name: string): string | null;
    /** @param {string} name @param {string} value */
    setItem(name: string, value: string): void;
    /** @param {string} name */
    removeItem(name: string): void;
}
/**
 * Another store that may refuse, and a memory for when it does: a private window, blocked storage,
 * a full quota. What could not be written lives as long as the page.
 *
 * @implements {Store}
 */
export declare class SturdyStore implements Store {
    #private;
    open: () => Store | undefined;
    /** @param {() => Store | undefined} open reading a browser's storage may throw already */
    constructor(open: () => Store | undefined);
    /** @param {string} name */
    getItem(name: string): string | null;
    /** @param {string} name @param {string} value */
    setItem(name: string, value: string): void;
    /** @param {string} name */
    removeItem(name: string): void;
}
/** This tab's store: it outlives a reload, and ends with the tab. */
export declare const tabStore: () => SturdyStore;
/** The store of every tab of this site: it outlives them. */
export declare const siteStore: () => SturdyStore;
/**
 * What stands under a name, or null: nothing, or something that is not ours to read.
 *
 * @param {Store} store
 * @param {string} name
 * @returns {any}
 */
export declare function readJson(store: Store, name: string): any;
