// Labels as chips; a click on one is the table's to understand, by its data-label.
import {element} from './element.js';

// `labels` are pairs, as of a record. Beyond `most`, how many more there are is said.
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
