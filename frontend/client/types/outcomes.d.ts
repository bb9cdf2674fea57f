/** How a payment ended, as the customer is told. */
export type OrderView = import('./api.js').OrderView;
export type TopUpView = import('./api.js').TopUpView;
export type Session = import('./session.js').Session;
export type OutcomeKind = 'added' | 'paid' | 'processing' | 'failed' | 'abandoned' | 'expired' | 'review' | 'cancelled' | 'left';
export type Outcome = {
    kind: OutcomeKind;
    /**
     * for the customer
     */
    message: string;
    topUp?: TopUpView;
    order?: OrderView;
};
/** @param {Session} session @param {TopUpView} topUp @returns {Outcome} */
export declare function ofTopUp(session: Session, topUp: TopUpView): Outcome;
/**
 * @param {Session} session
 * @param {OrderView} order
 * @param {string} [payment] the status of the one that was just made
 * @returns {Outcome}
 */
export declare function ofOrder(session: Session, order: OrderView, payment?: string): Outcome;
/** This page is being left. @returns {Outcome} */
export declare const left: () => Outcome;
