// Builds elements. Text becomes text nodes, never HTML. Characters that are not printable are
// escaped. A node that is given as a child stays as it is.
import {visible} from '../value/format.js';

const SVG = 'http://www.w3.org/2000/svg';

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class') {
      made.className = value;
    } else if (name === 'text') {
      made.textContent = visible(String(value));
    } else if (name.startsWith('on')) {
      made.addEventListener(name.slice(2), value);
    } else {
      made.setAttribute(name, name === 'title' ? visible(value) : value);
    }
  }
  made.append(...children.map((child) => (typeof child === 'string' ? visible(child) : child)));
  return made;
}

// A drawing of 16 by 16 pixels, in the colour of the text.
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'drawing');
  svg.setAttribute('aria-hidden', 'true');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

// A write to the DOM costs layout even if nothing changes, so compare first.
export function setText(node, text) {
  const shown = visible(String(text));
  if (node.textContent !== shown) {
    node.textContent = shown;
  }
}

export function setTitle(node, text) {
  const shown = visible(text);
  if (node.title !== shown) {
    node.title = shown;
  }
}

export function setClass(node, name) {
  if (node.className !== name) {
    node.className = name;
  }
}
