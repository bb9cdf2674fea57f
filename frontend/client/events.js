/** Server-sent events, read with `fetch`: a browser's own EventSource sends no token. */

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
export async function* readEvents(stream, heard = () => {}) {
  let event = '';
  let id = '';
  /** @type {string[]} */
  let lines = [];
  for await (const line of readLines(stream, heard)) {
    if (line === '') {
      if (lines.length) yield { event: event || 'message', data: lines.join('\n'), id };
      [event, lines] = ['', []];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') lines.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
}

/** @param {ReadableStream<Uint8Array>} stream @param {() => void} heard */
async function* readLines(stream, heard) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return; // what no line end has closed is no line
      heard();
      rest += decoder.decode(value, { stream: true });
      // A carriage return at the end may be half of a line's end.
      const cut = rest.endsWith('\r') ? rest.length - 1 : rest.length;
      const lines = rest.slice(0, cut).split(/\r\n|\n|\r/);
      rest = (lines.pop() ?? '') + rest.slice(cut);
      yield* lines;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
