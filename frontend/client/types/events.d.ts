/** Server-sent events, read with `fetch`: a browser's own EventSource sends no token. */
export type ServerEvent = {
    event: string;
    data: string;
    /**
     * the newest that the stream has told
     */
    id: string;
};
/**
 * @typedef {object} ServerEvent
 * @property {string} event
 * @property {string} data
 * @property {string} id the newest that the stream has told
 */
/**
 * The events of a stream, as the HTML standard reads them: fields of a line each, and an empty
 * line that ends an event. Comments keep a connection alive and are no events.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @param {() => void} [heard] called for whatever arrives
 * @returns {AsyncGenerator<ServerEvent>}
 */
export declare function readEvents(stream: ReadableStream<Uint8Array>, heard?: () => void): AsyncGenerator<ServerEvent>;
