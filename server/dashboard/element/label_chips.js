// Shows labels as chips. The table handles clicks on them, by their data-label.
import {element} from './element.js';

// `labels` are pairs of a key and a value. If there are more than `most`, the rest is a number.
export function fillChips(node, labels, most = Infinity) {
  const shown = JSON.stringify(labels);
  if (node.dataset.labels === shown) {
    return;
  }
  node.dataset.labels = shown;
  node.replaceChildren(
    ...labels
      .slice(0, most)
      .map(([key, value]) =>
        element(
          'span',
          {class: 'chip', title: `${key}=${value}`, 'data-label': `${key}=${value}`},
          element('b', {text: key}),
          value,
        ),
      ),
  );
  if (labels.length > most) {
    node.append(element('span', {class: 'more', text: `+${labels.length - most}`}));
  }
}
