/** Behind the counter: the staff panel, and the login to it. */

import { h } from '/batua/element/dom.js';

import { drawer } from './drawer.js';
import { askDemo } from './visitor.js';

export function staffDrawer() {
  drawer('staff', 'Be the staff', async () => {
    const { url, user, password } = await askDemo('staff');
    const said = h('p', { role: 'status', class: 'quiet' });
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(password);
        said.textContent = 'The password is copied.';
      } catch {
        said.textContent = 'The browser keeps its clipboard to itself: please mark and copy it.';
      }
    };
    return [
      h('p', {}, 'Staff see every payment in the panel, and give money back there.'),
      h(
        'dl',
        { class: 'login' },
        h('dt', {}, 'User'),
        h('dd', {}, h('code', {}, user)),
        h('dt', {}, 'Password'),
        h('dd', {}, h('code', {}, password)),
      ),
      h(
        'p',
        { class: 'row' },
        h('a', { class: 'button main', href: url, target: 'staff' }, 'Open the staff panel'),
        h('button', { type: 'button', onclick: copy }, 'Copy the password'),
      ),
      said,
      h('h3', {}, 'Give something back'),
      h(
        'ol',
        { class: 'steps' },
        h('li', {}, 'Buy something, and sign in to the panel.'),
        h('li', {}, 'Follow “Refund it as staff” beside the order.'),
        h('li', {}, 'Refund it to the wallet, and look here: balance, order and phone move.'),
      ),
    ];
  });
}
