// One dialog: asks before an action, does it, and says why it failed. Enter presses the button that
// has the focus, Escape closes the dialog. A dangerous action begins with the focus on "Cancel",
// because an Enter may have been typed for a shell.
import {element, setText} from './element.js';

// The question: {title, text, subject, fields, action, busy, danger, act(values, {signal, tell})}.
// - `subject` is the object of the action, shown as it is.
// - A field is {name, label, value, hint, options}: a text, or a choice among `options`, which are
//   pairs of [value, words].
// - act() may be asynchronous. An error of it is shown, and the dialog stays open. Words that it
//   returns are shown until the user closes the dialog.
// - `signal` is aborted when the dialog closes. tell(words) shows progress.
export function ask({title, text, subject, fields = [], action, busy, danger = false, act}) {
  const inputs = fields.map(makeInput);
  const trouble = element('p', {class: 'trouble', role: 'alert'});
  const go = element('button', {
    type: 'submit',
    class: danger ? 'danger' : 'primary',
    text: action,
  });
  const cancel = element('button', {type: 'button', text: 'Cancel'});
  const form = element(
    'form',
    {method: 'dialog', class: 'ask'},
    element('h2', {id: 'ask-title', text: title}),
    ...(subject ? [element('p', {class: 'subject mono', text: subject})] : []),
    ...(text ? [element('p', {text})] : []),
    ...fields.map(({label, hint}, index) =>
      element(
        'label',
        {class: 'field'},
        element('span', {text: label}),
        inputs[index],
        ...(hint ? [element('small', {text: hint})] : []),
      ),
    ),
    trouble,
    element('div', {class: 'choices'}, cancel, go),
  );
  const dialog = element('dialog', {id: 'ask', 'aria-labelledby': 'ask-title'}, form);
  const previous = document.activeElement;
  const left = new AbortController();
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    left.abort();
    dialog.remove();
    previous?.focus?.({preventScroll: true});
  });
  // A browser does so in a text field only.
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.tagName === 'SELECT') {
      event.preventDefault();
      form.requestSubmit(go);
    }
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (go.disabled || go.hidden) {
      return;
    }
    const values = Object.fromEntries(fields.map(({name}, index) => [name, inputs[index].value]));
    go.disabled = true;
    setText(go, busy);
    setText(trouble, '');
    try {
      const words = await act(values, {
        signal: left.signal,
        tell: (text) => setText(trouble, text),
      });
      if (typeof words === 'string') {
        setText(trouble, words);
        go.hidden = true;
        setText(cancel, 'Close');
        cancel.focus();
      } else {
        dialog.close();
      }
    } catch (error) {
      setText(trouble, error.message);
    } finally {
      go.disabled = false;
      setText(go, action);
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  const first = danger ? cancel : (inputs[0] ?? go);
  first.focus();
  first.select?.();
}

function makeInput({name, value = '', options, placeholder = ''}) {
  if (!options) {
    return element('input', {type: 'text', name, value, placeholder, autocomplete: 'off'});
  }
  const select = element(
    'select',
    {name},
    ...options.map(([one, words]) => element('option', {value: one, text: words})),
  );
  select.value = value || options[0][0];
  return select;
}
