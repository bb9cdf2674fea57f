/** A group of choices, of which one is taken: radio buttons, as keyboards and readers know them. */

import { h, newId } from './dom.js';

/**
 * @param {string} legend
 * @param {{ value: string, text: string }[]} options
 * @param {(value: string) => void} [onChange]
 */
export function choiceGroup(legend, options, onChange = () => {}) {
  const name = newId('choice');
  const inputs = options.map(({ value }, index) =>
    h('input', {
      type: 'radio',
      name,
      value,
      checked: index === 0,
      onchange: () => onChange(value),
    }),
  );
  const choices = options.map(({ text }, index) =>
    h('label', { class: 'choice', part: 'choice' }, inputs[index], h('span', {}, text)),
  );
  const group = h(
    'fieldset',
    {},
    h('legend', {}, legend),
    h('div', { class: 'choices' }, ...choices),
  );
  return { group, value: () => inputs.find((each) => each.checked)?.value ?? '' };
}
