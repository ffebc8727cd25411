// The page of one process: how it stands, what happened to it, what it wrote.
import {copyButton} from '../element/copy.js';
import {element, setText, setTitle} from '../element/element.js';
import {fillChips} from '../element/label_chips.js';
import {fillRows} from '../element/rows_list.js';
import {ProcessRecord, REMOVED, RUNNING} from '../live/process_record.js';
import {askToDownload} from '../output/output_download.js';
import {OutputLog} from '../output/output_log.js';
import {OutputStream} from '../output/output_stream.js';
import {OutputTee} from '../output/output_tee.js';
import {OutputView} from '../output/output_view.js';
import {TerminalView} from '../terminal/terminal_view.js';
import {exitSentence, exitWord} from '../value/exit_status.js';
import {commandOf, dateTime, duration, shellCommand, shortId} from '../value/format.js';
import {login} from '../wire/login.js';
import {liveRows, specRows, usageRows} from './process_facts.js';
import {ProcessHistory} from './process_history.js';
import {processSkeleton} from './process_skeleton.js';
import {drainWords, timeline} from './process_timeline.js';

const REREAD_MS = 500;
// For totals of output alone.
const REREAD_OUTPUT_MS = 2000;

export class ProcessPage {
  #id;
  #store;
  #usage;
  #actions;
  #schedule;
  #panel;
  // What is known where the store knows nothing.
  #own;
  #process = null;
  // Why the server does not tell of it, and whether that is because it does not know it.
  #missing = '';
  #unknown = false;
  #log = new OutputLog();
  #tee = new OutputTee(this.#log);
  #stream;
  #view;
  // Of a process that has one.
  #terminal = null;
  // Why it has none here, in words.
  #noTerminal = '';
  #history = null;
  #cutAt = 0;
  #readVersion = -1;
  #readLog = -1;
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
    this.#stream = new OutputStream(id, this.#tee, schedule);
    this.#view = new OutputView(panel.querySelector('.output'), this.#log);
    for (const button of panel.querySelectorAll('button[data-as]')) {
      button.addEventListener('click', () => this.#showAs(button.dataset.as));
    }
    const download = panel.querySelector('button[name=download]');
    download.addEventListener('click', () => askToDownload(this.#process));
    setText(panel.querySelector('.where .id'), id);
    panel.querySelector('.where .id').after(copyButton('Copy the id', () => id));
    panel.querySelector('h1').after(copyButton('Copy the command', () => this.#command));
  }

  get #record() {
    return this.#store.find(this.#id) ?? this.#own;
  }

  // As a shell takes it.
  get #command() {
    return shellCommand(this.#process?.spec?.argv ?? []);
  }

  get terminal() {
    return this.#terminal;
  }

  close() {
    this.#stream.close();
    this.#terminal?.close();
    this.#view.close();
    this.#history?.close();
    this.#closed = true;
    this.#panel.replaceChildren();
  }

  setVisible(visible) {
    if (visible) {
      this.#stream.open();
    } else {
      this.#stream.close();
    }
  }

  // Where there may be a terminal, letters are meant for it, with or without the focus: they end
  // nothing.
  get keys() {
    const letters = this.#process !== null && !this.#process.spec?.pty;
    return {
      f: () => this.#view.follow(),
      w: () => this.#view.wrap(),
      d: () => this.#view.times(),
      '/': () => this.#view.search(),
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
      this.#stream.phase,
    ].join();
    if (drawn !== this.#drawn || (ticked && record.state === RUNNING)) {
      this.#drawn = drawn;
      this.#showHead(record);
      this.#showTimeline(record);
      this.#showFacts(record);
      this.#showOutputState(record);
    }
    this.#view.render();
  }

  // The rest of the truth, such as totals of output, is in no event.
  async #reread() {
    const {version, state} = this.#record;
    const since = performance.now() - this.#readAt;
    const changed = version !== this.#readVersion && since >= REREAD_MS;
    const grew = this.#log.version !== this.#readLog && since >= REREAD_OUTPUT_MS;
    if (!(changed || grew) || state === REMOVED) {
      return;
    }
    const now = performance.now();
    this.#readVersion = version;
    this.#readLog = this.#log.version;
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
          // It was asked for by its name, which no event tells: its own page takes over.
          location.replace(`#/processes/${id}`);
          return;
        }
        this.#process = body.process;
        this.#missing = '';
        this.#unknown = false;
        this.#own.merge(body.process);
        this.#findTerminal();
      } else {
        this.#missing = body.error?.message ?? '';
        this.#unknown = response.status === 404;
      }
      this.#reads++;
    } catch {
      // The connection's pill says it; the next change asks again.
      this.#readVersion = -1;
    }
    this.#schedule();
  }

  // Known once the process was read: no event says it.
  #findTerminal() {
    if (!this.#tee.open || this.#closed) {
      return;
    }
    const {spec} = this.#process;
    if (spec?.pty) {
      this.#terminal = new TerminalView(this.#id, this.#find('.output'), spec, (error) =>
        this.#doWithoutTerminal(error),
      );
      this.#showAs('terminal');
    }
    this.#find('.as').hidden = !spec?.pty;
    this.#find('.streams').hidden = Boolean(spec?.pty);
    this.#tee.attach(this.#terminal);
  }

  // The log has all that it would have shown.
  #doWithoutTerminal(error) {
    this.#tee.attach(null);
    this.#terminal.close();
    this.#terminal = null;
    this.#noTerminal = `There can be no terminal here: ${error.message}`;
    this.#find('.as').hidden = true;
    this.#showAs('log');
    this.#reads++;
    this.#schedule();
  }

  // 'terminal' or 'log'.
  #showAs(name) {
    this.#find('.output').dataset.as = name;
    for (const button of this.#panel.querySelectorAll('button[data-as]')) {
      button.setAttribute('aria-pressed', String(button.dataset.as === name));
    }
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
    // Of what nobody knows there is nothing to follow.
    const forgotten = !known && this.#unknown;
    this.#find('.forgotten').hidden = !forgotten;
    this.#find('.output').hidden = forgotten;
    this.#find('.side').hidden = forgotten;
    setText(this.#find('.sentence'), sentence);
    fillChips(this.#find('.chips'), record.labels);
    // Of a command that is not told whole, a part would do something else.
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
    // Where there is no mouse, nothing shows a title.
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
    this.#view.showAbove(
      (outputs ?? []).reduce((sum, {dropped_bytes: dropped}) => sum + Number(dropped ?? 0), 0),
    );
  }

  #showOutputState(record) {
    const {phase, reason} = this.#stream;
    const line = this.#find('.ending');
    let text = '';
    if (phase === 'refused') {
      text = `No output: ${reason}`;
    } else if (phase === 'complete') {
      text = `End of output: ${drainWords(record.drained)}`;
    } else if (phase === 'reconnecting') {
      text = 'The stream was lost; trying again…';
    } else if (record.exit && record.state < REMOVED && !record.drained) {
      text = 'The process has ended; its output is still held open.';
    }
    text = [this.#noTerminal, text].filter(Boolean).join(' ');
    setText(line, text);
    line.hidden = text === '';
    this.#view.setEnded(this.#stream.over);
    this.#terminal?.setRunning(record.state === RUNNING);
    const state = this.#find('.output .phase');
    state.dataset.state = phase;
    setText(
      state,
      {
        connecting: 'connecting',
        live: 'live',
        reconnecting: 'reconnecting',
        complete: 'complete',
        refused: 'none',
      }[phase],
    );
    this.#find('.silent').hidden =
      this.#log.lines.length > 0 || phase === 'refused' || this.#terminal !== null;
    setText(
      this.#find('.silent'),
      phase === 'complete' ? 'It wrote nothing.' : 'Nothing written yet.',
    );
  }
}
