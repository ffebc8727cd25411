// The elements of the page of a process, before they say anything.
import {element} from './element.js';

export function processSkeleton(actions) {
  const button = (name, text, pressed) =>
    element('button', {
      type: 'button',
      name,
      text,
      ...(pressed === undefined ? {} : {'aria-pressed': String(pressed)}),
    });
  return [
    element(
      'div',
      {class: 'process-head'},
      element('a', {
        class: 'back',
        href: '#/',
        'aria-label': 'Back to the overview',
        text: '← Overview',
      }),
      element(
        'div',
        {class: 'title'},
        element('span', {class: 'badge'}),
        element('h1', {class: 'mono', tabindex: '-1'}),
      ),
      element('p', {class: 'sentence', 'aria-live': 'polite'}),
      element('div', {class: 'chips'}),
      element(
        'div',
        {class: 'actions', role: 'group', 'aria-label': 'Actions'},
        ...actions.map((name) =>
          element('button', {type: 'button', class: 'button', 'data-action': name}),
        ),
        element('span', {class: 'why'}),
      ),
    ),
    element(
      'div',
      {class: 'panel forgotten', hidden: ''},
      element('h2', {text: 'The server does not know this process'}),
      element('p', {
        text:
          'It was removed, or its server was started anew without its record, or the address ' +
          'is not right. What it wrote is not kept either.',
      }),
      element('a', {class: 'button', href: '#/', text: 'Back to the overview'}),
    ),
    element(
      'section',
      {class: 'panel output', 'aria-label': 'Output'},
      element(
        'div',
        {class: 'bar'},
        element('h2', {text: 'Output '}),
        element('span', {class: 'phase'}),
        element('span', {class: 'streams'}, element('i', {class: 'stderr'}), 'stderr'),
        element(
          'div',
          {class: 'segments', role: 'group', 'aria-label': 'Output'},
          button('follow', 'Following', true),
          button('wrap', 'Wrap', true),
          button('copy', 'Copy'),
        ),
      ),
      element('p', {class: 'cut', hidden: ''}),
      element('div', {
        class: 'lines wrap mono',
        tabindex: '0',
        role: 'log',
        'aria-live': 'off',
        'aria-label': 'What the process wrote',
      }),
      element('p', {class: 'silent', text: 'Nothing written yet.'}),
      element('p', {class: 'ending', hidden: ''}),
    ),
    element(
      'aside',
      {class: 'side', tabindex: '0', 'aria-label': 'About the process'},
      element(
        'section',
        {class: 'panel', 'aria-label': 'Timeline'},
        element('div', {class: 'bar'}, element('h2', {text: 'Timeline'})),
        element('ol', {class: 'timeline'}),
      ),
      element(
        'section',
        {class: 'panel', 'aria-label': 'Resources'},
        element('div', {class: 'bar'}, element('h2', {text: 'Resources'})),
        element('dl', {class: 'rows-list usage'}),
      ),
      element(
        'section',
        {class: 'panel', 'aria-label': 'Specification'},
        element('div', {class: 'bar'}, element('h2', {text: 'Specification'})),
        element('dl', {class: 'rows-list spec'}),
      ),
    ),
  ];
}
