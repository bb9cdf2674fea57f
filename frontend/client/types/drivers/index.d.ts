/**
 * Drivers: each takes a customer to one kind of provider and brings back what it gave.
 *
 * Where the shop is in test mode and has a page to pay on, a simulator's, that is what is opened,
 * whatever the provider: then nothing is loaded from another host. A driver is loaded when it is
 * needed.
 */
export type GatewayView = import('../api.js').GatewayView;
export type Messages = import('../messages/en.js').Messages;
export type Pending = import('../pending.js').Pending;
export type Show = (content: HTMLElement, onClose: () => void) => () => void;
export type Drive = {
    /**
     * as the API gave it
     */
    checkout: Record<string, any>;
    pending: Pending;
    mode: 'auto' | 'window' | 'tab';
    show?: Show;
    messages: Messages;
    /**
     * resolves when the API knows of the money
     */
    isPaid: Promise<void>;
};
export type End = {
    kind: 'back';
    proof?: Record<string, string>;
} | {
    kind: 'left';
};
export type Driver = (drive: Drive) => Promise<End>;
/** @typedef {import('../api.js').GatewayView} GatewayView */
/** @typedef {import('../messages/en.js').Messages} Messages */
/** @typedef {import('../pending.js').Pending} Pending */
/**
 * Shows something of a driver's to the customer, until the function that it returns is called.
 *
 * @typedef {(content: HTMLElement, onClose: () => void) => () => void} Show
 */
/**
 * @typedef {object} Drive
 * @property {Record<string, any>} checkout as the API gave it
 * @property {Pending} pending
 * @property {'auto' | 'window' | 'tab'} mode
 * @property {Show} [show]
 * @property {Messages} messages
 * @property {Promise<void>} isPaid resolves when the API knows of the money
 */
/**
 * What became of it: the customer came back, perhaps with a proof, or this page is being left.
 *
 * @typedef {{ kind: 'back', proof?: Record<string, string> } | { kind: 'left' }} End
 */
/** @typedef {(drive: Drive) => Promise<End>} Driver */
/**
 * @param {Record<string, any>} checkout
 * @param {GatewayView | undefined} gateway as `GET /gateways` tells, if it still takes payments
 * @returns {Promise<Driver>}
 */
export declare function driverOf(checkout: Record<string, any>, gateway: GatewayView | undefined): Promise<Driver>;
