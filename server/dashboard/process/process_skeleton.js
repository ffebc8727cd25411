// The empty elements of the page of a process.
import {element, icon} from '../element/element.js';

const LENS = 'M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9M10.5 10.5l4 4';

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
      element(
        'div',
        {class: 'where'},
        element('a', {
          class: 'back',
          href: '#/',
          'aria-label': 'Back to the overview',
          text: '← Overview',
        }),
        element('span', {class: 'id mono', title: 'The id of the process'}),
        element('a', {class: 'session'}),
      ),
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
        element(
          'div',
          {class: 'segments as', role: 'group', 'aria-label': 'Shown as', hidden: ''},
          as('terminal', 'Terminal'),
          as('log', 'Log'),
        ),
        element(
          'div',
          {class: 'segments streams', role: 'group', 'aria-label': 'Streams'},
          stream('all', 'Both', true),
          stream('stdout', 'stdout', false),
          stream('stderr', 'stderr', false),
        ),
        element(
          'div',
          {class: 'segments view', role: 'group', 'aria-label': 'Output'},
          button('follow', 'Following', true),
          button('wrap', 'Wrap', true),
          button('times', 'Times', false),
          button('copy', 'Copy'),
          button('download', 'Download…'),
        ),
        find(),
      ),
      element('p', {class: 'cut', hidden: ''}),
      element('div', {
        class: 'lines wrap mono',
        tabindex: '0',
        role: 'log',
        'aria-live': 'off',
        'aria-label': 'What the process wrote',
      }),
      element('div', {class: 'screen mono'}),
      element('div', {class: 'typing', tabindex: '-1'}),
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

function as(name, text) {
  return element('button', {type: 'button', 'data-as': name, text, 'aria-pressed': 'false'});
}

function stream(name, text, pressed) {
  return element('button', {
    type: 'button',
    'data-stream': name,
    text,
    'aria-pressed': String(pressed),
  });
}

function find() {
  const step = (name, label, path) => {
    const button = element('button', {type: 'button', name, 'aria-label': label, title: label});
    button.append(icon(path));
    return button;
  };
  return element(
    'div',
    {class: 'find', role: 'search', 'aria-label': 'Search in output'},
    element(
      'label',
      {class: 'search'},
      element('span', {class: 'sr', text: 'Search in output'}),
      icon(LENS),
      element('input', {
        type: 'text',
        placeholder: 'search in output',
        autocomplete: 'off',
        spellcheck: 'false',
      }),
      element('span', {class: 'found', role: 'status'}),
    ),
    element('button', {
      type: 'button',
      class: 'case',
      name: 'case',
      text: 'Aa',
      'aria-label': 'Aa: upper and lower case matter',
      title: 'Upper and lower case matter',
      'aria-pressed': 'false',
    }),
    step('previous', 'Previous (Shift+Enter)', 'M4 10l4-4 4 4'),
    step('next', 'Next (Enter)', 'M4 6l4 4 4-4'),
    element('small', {
      class: 'partial',
      hidden: '',
      text: 'searched in what is shown: there is more above',
    }),
  );
}
