// A list of names and values, each of which may be a link or be copied.
import {copyButton} from './copy.js';
import {element} from './element.js';

// Rows are [name, value, extra]; `extra` is {label, copy: text} or {href}, if it is anything.
export function fillRows(list, rows) {
  const text = JSON.stringify(rows);
  if (list.dataset.shown === text) {
    return;
  }
  list.dataset.shown = text;
  list.replaceChildren(
    ...rows.map(([name, value, extra]) => {
      const shown = element('dd', {class: 'mono'});
      if (extra?.href) {
        shown.append(element('a', {href: extra.href, text: value}));
      } else {
        shown.append(element('span', {text: value}));
      }
      if (extra?.copy) {
        shown.append(copyButton(extra.label, () => extra.copy));
      }
      return element('div', {}, element('dt', {text: name}), shown);
    }),
  );
}
