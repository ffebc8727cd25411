// The page of one process: its state, its timeline and its output.
import {copyButton} from '../element/copy.js';
import {element, setText, setTitle} from '../element/element.js';
import {fillChips} from '../element/label_chips.js';
import {fillRows} from '../element/rows_list.js';
import {ProcessRecord, REMOVED, RUNNING} from '../live/process_record.js';
import {askToDownload} from '../output/output_download.js';
import {exitSentence, exitWord} from '../value/exit_status.js';
import {commandOf, dateTime, duration, shellCommand, shortId} from '../value/format.js';
import {login} from '../wire/login.js';
import {liveRows, specRows, usageRows} from './process_facts.js';
import {ProcessHistory} from './process_history.js';
import {ProcessOutput} from './process_output.js';
import {processSkeleton} from './process_skeleton.js';
import {timeline} from './process_timeline.js';

const REREAD_MS = 500;
// If only the output has grown.
const REREAD_OUTPUT_MS = 2000;

export class ProcessPage {
  #id;
  #store;
  #usage;
  #actions;
  #schedule;
  #panel;
  // The record of a process that the store does not know.
  #own;
  #process = null;
  // Why the server refuses to tell of the process, and whether it does not know it.
  #missing = '';
  #unknown = false;
  #output;
  #history = null;
  #cutAt = 0;
  #readVersion = -1;
  #readOutput = -1;
  #readAt = -Infinity;
  #reads = 0;
  #drawn = '';
  #closed = false;

  constructor(id, panel, {store, usage, actions}, schedule) {
    this.#id = id;
    this.#panel = panel;
    this.#store = store;
    this.#usage = usage;
    this.#actions = actions;
    this.#schedule = schedule;
    this.#own = new ProcessRecord(id);
    panel.replaceChildren(...processSkeleton(actions.names()));
    for (const button of panel.querySelectorAll('[data-action]')) {
      button.addEventListener('click', () => this.#act(button.dataset.action));
    }
    this.#output = new ProcessOutput(id, panel.querySelector('.output'), schedule);
    const download = panel.querySelector('button[name=download]');
    download.addEventListener('click', () => askToDownload(this.#process));
    setText(panel.querySelector('.where .id'), id);
    panel.querySelector('.where .id').after(copyButton('Copy the id', () => id));
    panel.querySelector('h1').after(copyButton('Copy the command', () => this.#command));
  }

  get #record() {
    return this.#store.find(this.#id) ?? this.#own;
  }

  // The command, quoted for a shell.
  get #command() {
    return shellCommand(this.#process?.spec?.argv ?? []);
  }

  get terminal() {
    return this.#output.terminal;
  }

  close() {
    this.#output.close();
    this.#history?.close();
    this.#closed = true;
    this.#panel.replaceChildren();
  }

  setVisible(visible) {
    this.#output.setVisible(visible);
  }

  // Letters do nothing to a process that may have a terminal: they may be meant for it.
  get keys() {
    const letters = this.#process !== null && !this.#process.spec?.pty;
    return {
      ...this.#output.keys,
      ...(letters && {
        s: () => this.#act('stop'),
        x: () => this.#act('kill'),
        r: () => this.#act('restart'),
      }),
    };
  }

  usageQuery() {
    const {command, state} = this.#record;
    return command !== '' && state === RUNNING ? [['process_id', this.#id]] : null;
  }

  #act(name) {
    this.#actions.start(name, this.#record, this.#process);
  }

  render(ticked) {
    this.#reread();
    this.#readHistory();
    const record = this.#record;
    const drawn = [
      record.version,
      this.#process !== null,
      this.#missing,
      this.#reads,
      login.whyNot,
      this.#output.state,
    ].join();
    if (drawn !== this.#drawn || (ticked && record.state === RUNNING)) {
      this.#drawn = drawn;
      this.#showHead(record);
      this.#showTimeline(record);
      this.#showFacts(record);
      this.#output.showState(record);
    }
    this.#output.render();
  }

  // Reads what no event tells, such as the totals of output.
  async #reread() {
    const {version, state} = this.#record;
    const since = performance.now() - this.#readAt;
    const changed = version !== this.#readVersion && since >= REREAD_MS;
    const grew = this.#output.version !== this.#readOutput && since >= REREAD_OUTPUT_MS;
    if (!(changed || grew) || state === REMOVED) {
      return;
    }
    const now = performance.now();
    this.#readVersion = version;
    this.#readOutput = this.#output.version;
    this.#readAt = now;
    try {
      const response = await login.fetch(`/v1/processes/${encodeURIComponent(this.#id)}`);
      const body = await response.json();
      if (this.#closed) {
        return;
      }
      if (response.ok) {
        const {process_id: id} = body.process;
        if (id !== this.#id) {
          // The address has its name, and events have only ids. The page of the id takes over.
          location.replace(`#/processes/${id}`);
          return;
        }
        this.#process = body.process;
        this.#missing = '';
        this.#unknown = false;
        this.#own.merge(body.process);
        this.#output.learn(body.process);
      } else {
        this.#missing = body.error?.message ?? '';
        this.#unknown = response.status === 404;
      }
      this.#reads++;
    } catch {
      // The header says that the connection is lost. The next change asks again.
      this.#readVersion = -1;
    }
    this.#schedule();
  }

  #readHistory() {
    const {position} = this.#store;
    if (this.#history !== null || position === null) {
      return;
    }
    this.#history = new ProcessHistory(
      this.#id,
      position.logId,
      (event) => {
        this.#record.mark(event);
        this.#schedule();
      },
      (first) => {
        this.#cutAt = first;
      },
    );
  }

  #find(name) {
    return this.#panel.querySelector(name);
  }

  #showHead(record) {
    const {exit} = record;
    const known = record.command !== '';
    const kind = exit ? exit.kind : 'running';
    setText(this.#find('h1'), record.command || this.#id);
    const badge = this.#find('.badge');
    badge.className = `badge ${known ? kind : ''}`;
    setText(badge, exit ? exitWord(exit) : known ? 'running' : 'not known');
    let sentence = exit
      ? exitSentence(exit, {pid: record.pid, ...this.#process})
      : `It has run for ${duration(record.runTime(this.#store.now()))}.`;
    if (!known) {
      sentence = this.#missing || 'Asking the server…';
    } else if (record.state === REMOVED) {
      sentence += ' The server no longer lists it.';
    }
    // An unknown process has no output and no facts to show.
    const forgotten = !known && this.#unknown;
    this.#find('.forgotten').hidden = !forgotten;
    this.#find('.output').hidden = forgotten;
    this.#find('.side').hidden = forgotten;
    setText(this.#find('.sentence'), sentence);
    fillChips(this.#find('.chips'), record.labels);
    // The first part of a long command would do something else.
    this.#find('.title .copy').hidden =
      this.#process === null || commandOf(this.#process).endsWith('…');
    this.#find('.where .copy').hidden = !known;
    this.#find('.where .id').hidden = !known;
    const session = this.#find('.where .session');
    session.hidden = !known;
    session.href = `#/sessions/${record.sessionId}`;
    setText(session, `session ${shortId(record.sessionId)}`);
    this.#find('button[name=download]').disabled = this.#process === null;
    this.#showActions(record, known);
  }

  #showActions(record, known) {
    this.#find('.actions').hidden = !known;
    for (const button of this.#panel.querySelectorAll('[data-action]')) {
      const {action} = button.dataset;
      const refusal = this.#actions.refusal(action, record, this.#process);
      button.disabled = refusal !== '';
      setTitle(button, refusal);
      setText(button, this.#actions.label(action, record));
    }
    // Without a mouse, nothing shows a title.
    setText(this.#find('.actions .why'), login.whyNot);
  }

  #showTimeline(record) {
    const rows = timeline(record);
    if (this.#cutAt > 0) {
      rows.unshift({
        kind: 'cut',
        time: null,
        title: 'Older signals may be missing',
        detail: `the server keeps events from ${this.#cutAt} on`,
      });
    }
    this.#find('.timeline').replaceChildren(
      ...rows.map(({kind, time, title, detail}) => {
        const offset =
          time === null || record.started === null
            ? ''
            : `+${duration(Math.max(0, time - record.started))}`;
        return element(
          'li',
          {class: kind, title: time === null ? '' : dateTime(time)},
          element('span', {class: 'offset', text: offset}),
          element('span', {}, element('b', {text: title}), element('small', {text: detail})),
        );
      }),
    );
  }

  #showFacts(record) {
    const process = this.#process ?? {process_id: this.#id, session_id: record.sessionId};
    const outputs = record.drained?.output ?? this.#process?.output;
    const used = record.state === RUNNING ? this.#usage.of(this.#id) : null;
    fillRows(this.#find('.usage'), [
      ...liveRows(used),
      ...usageRows(record.exit, outputs, record.drained !== null),
    ]);
    fillRows(this.#find('.spec'), specRows(process));
    this.#output.showDropped(
      (outputs ?? []).reduce((sum, {dropped_bytes: dropped}) => sum + Number(dropped ?? 0), 0),
    );
  }
}
