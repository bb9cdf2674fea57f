/** What people read, in Hindi. */
/** @type {import('./en.js').Messages} */
export declare const hi: import('./en.js').Messages;
