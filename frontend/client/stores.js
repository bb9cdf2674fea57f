/**
 * Where the client keeps what must outlive a reload.
 *
 * A store holds texts by name: a browser's `Storage` is one, a test's own object another.
 */

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
export class MemoryStore {
  /** @type {Map<string, string>} */
  #kept = new Map();

  /** @param {string} name */
  getItem(name) {
    return this.#kept.get(name) ?? null;
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    this.#kept.set(name, value);
  }

  /** @param {string} name */
  removeItem(name) {
    this.#kept.delete(name);
  }
}

/**
 * Another store that may refuse, and a memory for when it does: a private window, blocked storage,
 * a full quota. What could not be written lives as long as the page.
 *
 * @implements {Store}
 */
export class SturdyStore {
  #memory = new MemoryStore();

  /** @param {() => Store | undefined} open reading a browser's storage may throw already */
  constructor(open) {
    this.open = open;
  }

  /** @param {string} name */
  getItem(name) {
    return this.#memory.getItem(name) ?? this.#attempt((store) => store.getItem(name));
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    const isKept = this.#attempt((store) => {
      store.setItem(name, value);
      return true;
    });
    if (isKept) this.#memory.removeItem(name);
    else this.#memory.setItem(name, value);
  }

  /** @param {string} name */
  removeItem(name) {
    this.#memory.removeItem(name);
    this.#attempt((store) => store.removeItem(name));
  }

  /** @template T @param {(store: Store) => T} use @returns {T | null} */
  #attempt(use) {
    try {
      const store = this.open();
      return store ? use(store) : null;
    } catch {
      return null;
    }
  }
}

/** This tab's store: it outlives a reload, and ends with the tab. */
export const tabStore = () => new SturdyStore(() => globalThis.sessionStorage);

/** The store of every tab of this site: it outlives them. */
export const siteStore = () => new SturdyStore(() => globalThis.localStorage);

/**
 * What stands under a name, or null: nothing, or something that is not ours to read.
 *
 * @param {Store} store
 * @param {string} name
 * @returns {any}
 */
export function readJson(store, name) {
  try {
    return JSON.parse(store.getItem(name) ?? 'null');
  } catch {
    return null;
  }
}
