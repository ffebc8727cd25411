// The dashboard: builds its parts, shows the page that the address names, and draws.
import {Charts} from './chart/charts.js';
import {Connection} from './live/connection.js';
import {Store} from './live/store.js';
import {Usage} from './live/usage.js';
import {ExitFeed} from './process/exit_feed.js';
import {ProcessActions} from './process/process_actions.js';
import {ProcessPage} from './process/process_page.js';
import {ProcessTable} from './process/process_table.js';
import {SessionList} from './session/session_list.js';
import {SessionPage} from './session/session_page.js';
import {login} from './wire/login.js';
import {Header} from './header.js';
import {watchKeys} from './keys.js';
import {toggleTheme, watchTheme} from './theme.js';

const LEASES_EVERY_MS = 5000;

const find = (id) => document.getElementById(id);
const store = new Store();
const connection = new Connection(store, schedule);
const header = new Header(store, connection);
const charts = new Charts(find('charts'), store);
const usage = new Usage(() => {
  ticked = true;
  schedule();
});
const actions = new ProcessActions(store);
const table = new ProcessTable(find('processes'), store, usage, actions, schedule);
const feed = new ExitFeed(find('exits'), store, schedule);
const sessions = new SessionList(find('sessions'), store, schedule);
let page = null;
let scheduled = false;
let ticked = true;
let drawnSnapshots = 0;
let drawnPhase = '';

// Any number of events make one frame. A hidden tab gets no frames.
function schedule() {
  if (!scheduled) {
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      draw();
    });
  }
}

function draw() {
  const second = ticked || store.snapshots !== drawnSnapshots;
  drawnSnapshots = store.snapshots;
  ticked = false;
  header.render();
  if (connection.phase !== drawnPhase) {
    drawnPhase = connection.phase;
    if (drawnPhase === 'live') {
      learnRights();
    }
  }
  if (page !== null) {
    page.render(second);
    return;
  }
  if (second) {
    charts.render();
  }
  table.render(second);
  feed.render(second);
  sessions.render(second);
}

// The server says what this login may do. Another run of the server may say otherwise.
async function learnRights() {
  usage.reset();
  await login.learn();
  ticked = true;
  schedule();
}

// The text behind the '#' may be typed by hand. If it cannot be decoded, it is taken as it is, and
// the page shows an unknown id.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function openPage(kind, id) {
  const panel = find('process');
  panel.ariaLabel = kind === 'processes' ? 'Process' : 'Session';
  return kind === 'processes'
    ? new ProcessPage(id, panel, {store, usage, actions}, schedule)
    : new SessionPage(id, panel, {store, usage}, schedule);
}

function route() {
  const match = /^#\/(processes|sessions)\/([^/?]+)$/.exec(location.hash);
  const returns = page !== null && !match;
  page?.close();
  page = match === null ? null : openPage(match[1], decoded(match[2]));
  find('overview').hidden = page !== null;
  find('process').hidden = page === null;
  ticked = true;
  if (page === null) {
    [table, feed, sessions].forEach(({list}) => list.measure());
    if (returns) {
      table.focus();
    }
  } else {
    find('process').querySelector('h1').focus({preventScroll: true});
  }
  schedule();
}

// A link that signs in may be opened in a page that is loaded already.
addEventListener('hashchange', async () => {
  if (login.hasLink) {
    await login.takeLink();
    connection.retry();
    learnRights();
  }
});

// Loads the page again, so that nothing of it stays on the screen.
async function signOut() {
  await login.end();
  location.reload();
}

function showPanel(name) {
  find('overview').dataset.panel = name;
  for (const button of document.querySelectorAll('.tabs button')) {
    button.setAttribute('aria-pressed', String(button.dataset.panel === name));
  }
  ticked = true;
  schedule();
}

function changeTheme() {
  toggleTheme();
  charts.readColors();
}

// No event tells of a renewed lease.
async function readLeases() {
  const leased = [...store.sessions.values()].some(
    ({state, lease}) => lease && state === 'SESSION_STATE_OPEN',
  );
  if (document.hidden || !leased || connection.phase !== 'live') {
    return;
  }
  try {
    const response = await login.fetch('/v1/sessions?page_size=1000');
    if (response.ok) {
      store.refreshSessions((await response.json()).sessions ?? []);
      schedule();
    }
  } catch {
    // The next turn asks again.
  }
}

for (const button of document.querySelectorAll('.tabs button')) {
  button.addEventListener('click', () => showPanel(button.dataset.panel));
}
find('theme').addEventListener('click', changeTheme);
find('sign-out').addEventListener('click', signOut);
find('help').addEventListener('click', () => find('keys').showModal());
find('clear').addEventListener('click', () => {
  table.searchFor('');
  table.setFilter('all');
});
find('signed-out').addEventListener('cancel', (event) => event.preventDefault());
watchTheme(() => charts.readColors());
watchKeys({table, actions, page: () => page, changeTheme});
addEventListener('hashchange', route);
login.changed = (signedIn) => {
  if (signedIn) {
    connection.retry();
    learnRights();
  } else {
    location.reload();
  }
};
document.addEventListener('visibilitychange', () => {
  page?.setVisible(!document.hidden);
  ticked = true;
  schedule();
});
addEventListener('online', () => connection.retry());

setInterval(() => {
  ticked = true;
  header.showTitle();
  if (connection.phase === 'live') {
    usage.poll((page ?? table).usageQuery());
  }
  schedule();
}, 1000);
setInterval(readLeases, LEASES_EVERY_MS);

showPanel('processes');
route();
if (login.hasLink) {
  await login.takeLink();
}
connection.start();

// For the console and for tests.
globalThis.proctor = {
  store,
  connection,
  get page() {
    return page;
  },
};
