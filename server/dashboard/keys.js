// The keys of the page. `?` lists them all.

const ACTIONS = {s: 'stop', x: 'kill', r: 'restart'};
const FILTERS = {1: 'all', 2: 'running', 3: 'ended', 4: 'failed', 5: 'draining'};

// `page` returns the page that is shown, of a process or a session, or null. Its `keys` maps a key
// to a function.
export function watchKeys({table, actions, page, changeTheme}) {
  const help = document.getElementById('keys');

  const onOverview = (event) => {
    switch (event.key) {
      case '/':
        event.preventDefault();
        table.search.focus();
        table.search.select();
        break;
      case 'j':
      case 'ArrowDown':
        table.step(1);
        break;
      case 'k':
      case 'ArrowUp':
        table.step(-1);
        break;
      case 'Enter':
        table.list.openSelected();
        break;
      default:
        if (ACTIONS[event.key] && table.selected) {
          event.preventDefault();
          actions.start(ACTIONS[event.key], table.selected);
        } else if (FILTERS[event.key]) {
          table.setFilter(FILTERS[event.key]);
        }
    }
  };

  const onPage = (event) => {
    const act = event.key === 'Escape' ? () => (location.hash = '#/') : page().keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  };

  addEventListener('keydown', (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.defaultPrevented ||
      document.querySelector('dialog[open]')
    ) {
      return;
    }
    if (event.target === table.search) {
      if (event.key === 'Escape') {
        table.searchFor('');
        table.focus();
      }
      return;
    }
    // Keys in other fields are text, or belong to a terminal.
    if (event.target.closest('input, select, textarea')) {
      return;
    }
    if (event.key === '?') {
      help.showModal();
      return;
    }
    if (event.key === 't') {
      changeTheme();
      return;
    }
    // A button, a link or a chart with the focus keeps Enter and the arrows.
    const control = event.target.closest('button, a[href], .plot');
    if (control && (event.key === 'Enter' || event.key.startsWith('Arrow'))) {
      return;
    }
    (page() === null ? onOverview : onPage)(event);
  });
}
