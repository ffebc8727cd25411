// Copies text. A page that came by plain HTTP from another machine has no clipboard. There, the
// browser copies a selection instead, as Ctrl-C does.
import {element, icon} from './element.js';

const COPY = 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3';
const DONE = 'M3 8.5l3.5 3.5L13 5';
const SAID_MS = 1500;

// Returns whether the text was copied.
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // There is no clipboard, or this page may not use it.
  }
  const before = document.activeElement;
  const area = element('textarea', {class: 'sr', 'aria-hidden': 'true', tabindex: '-1'});
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  before?.focus?.({preventScroll: true});
  return copied;
}

// A button that copies what `text` returns, and says whether that worked.
export function copyButton(label, text) {
  const button = element('button', {type: 'button', class: 'copy'});
  const show = (words, path) => {
    button.ariaLabel = words;
    button.title = words;
    button.replaceChildren(icon(path));
  };
  let timer;
  show(label, COPY);
  button.addEventListener('click', async () => {
    if (await copyText(text())) {
      show('Copied', DONE);
    } else {
      show('This browser does not let the page copy', COPY);
    }
    clearTimeout(timer);
    timer = setTimeout(() => show(label, COPY), SAID_MS);
  });
  return button;
}
