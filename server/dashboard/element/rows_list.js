// A list of names and values. A value may be a link, or have a button that copies it.
import {copyButton} from './copy.js';
import {element} from './element.js';

// Rows are [name, value, extra]. `extra` is {label, copy: text}, {href} or absent.
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
