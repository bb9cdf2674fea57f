/** Building what is shown. Every text is a text node: nothing that anybody wrote becomes markup. */

/**
 * An element with properties, attributes and children. A property that the element has is set;
 * whatever else is named becomes an attribute; a function under `on…` listens.
 *
 * @param {string} tag
 * @param {Record<string, any>} [wanted]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, wanted = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes('-')) /** @type {any} */ (made)[name] = value;
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

let made = 0;

/** An id that no other part of the page has. @param {string} name */
export const newId = (name) => `batua-${name}-${(made += 1)}`;
