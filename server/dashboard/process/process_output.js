// The panel of a process's output: its log, and its terminal if it has one.
import {setText} from '../element/element.js';
import {REMOVED, RUNNING} from '../live/process_record.js';
import {OutputLog} from '../output/output_log.js';
import {OutputStream} from '../output/output_stream.js';
import {OutputTee} from '../output/output_tee.js';
import {OutputView} from '../output/output_view.js';
import {TerminalView} from '../terminal/terminal_view.js';
import {drainWords} from './process_timeline.js';

const PHASES = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting',
  complete: 'complete',
  refused: 'none',
};

export class ProcessOutput {
  #id;
  #panel;
  #schedule;
  #log = new OutputLog();
  #tee = new OutputTee(this.#log);
  #stream;
  #view;
  // Null for a process that has none.
  #terminal = null;
  // Why the browser could not show the terminal, in words.
  #noTerminal = '';

  // `panel` is the element .output. `schedule` asks for a frame.
  constructor(id, panel, schedule) {
    this.#id = id;
    this.#panel = panel;
    this.#schedule = schedule;
    for (const button of panel.querySelectorAll('button[data-as]')) {
      button.addEventListener('click', () => this.#showAs(button.dataset.as));
    }
    this.#stream = new OutputStream(id, this.#tee, schedule);
    this.#view = new OutputView(panel, this.#log);
  }

  get terminal() {
    return this.#terminal;
  }

  // Changes with each piece of output.
  get version() {
    return this.#log.version;
  }

  // Changes with what showState() says.
  get state() {
    return `${this.#stream.phase} ${this.#noTerminal}`;
  }

  get keys() {
    return {
      f: () => this.#view.follow(),
      w: () => this.#view.wrap(),
      d: () => this.#view.times(),
      '/': () => this.#view.search(),
    };
  }

  close() {
    this.#stream.close();
    this.#terminal?.close();
    this.#view.close();
  }

  setVisible(visible) {
    if (visible) {
      this.#stream.open();
    } else {
      this.#stream.close();
    }
  }

  // Makes the terminal, if the process has one. Only a process that was read says so: no event
  // does.
  learn({spec}) {
    if (!this.#tee.open) {
      return;
    }
    if (spec?.pty) {
      this.#terminal = new TerminalView(this.#id, this.#panel, spec, (error) =>
        this.#doWithoutTerminal(error),
      );
      this.#showAs('terminal');
    }
    this.#find('.as').hidden = !spec?.pty;
    this.#find('.streams').hidden = Boolean(spec?.pty);
    this.#tee.attach(this.#terminal);
  }

  // Draws what has come.
  render() {
    this.#view.render();
  }

  // `dropped` is the number of bytes that the server no longer keeps.
  showDropped(dropped) {
    this.#view.showAbove(dropped);
  }

  // Says how the stream stands, and why it ended.
  showState(record) {
    const {phase} = this.#stream;
    const ending = this.#find('.ending');
    const text = [this.#noTerminal, this.#endingOf(record)].filter(Boolean).join(' ');
    setText(ending, text);
    ending.hidden = text === '';
    this.#view.setEnded(this.#stream.over);
    this.#terminal?.setRunning(record.state === RUNNING);
    const state = this.#find('.phase');
    state.dataset.state = phase;
    setText(state, PHASES[phase]);
    const silent = this.#find('.silent');
    silent.hidden = this.#log.lines.length > 0 || phase === 'refused' || this.#terminal !== null;
    setText(silent, phase === 'complete' ? 'It wrote nothing.' : 'Nothing written yet.');
  }

  #endingOf(record) {
    const {phase, reason} = this.#stream;
    if (phase === 'refused') {
      return `No output: ${reason}`;
    }
    if (phase === 'complete') {
      return `End of output: ${drainWords(record.drained)}`;
    }
    if (phase === 'reconnecting') {
      return 'The stream was lost; trying again…';
    }
    return record.exit && record.state < REMOVED && !record.drained
      ? 'The process has ended; its output is still held open.'
      : '';
  }

  // The log has all that the terminal would have shown.
  #doWithoutTerminal(error) {
    this.#tee.attach(null);
    this.#terminal.close();
    this.#terminal = null;
    this.#noTerminal = `There can be no terminal here: ${error.message}`;
    this.#find('.as').hidden = true;
    this.#showAs('log');
    this.#schedule();
  }

  // 'terminal' or 'log'.
  #showAs(name) {
    this.#panel.dataset.as = name;
    for (const button of this.#panel.querySelectorAll('button[data-as]')) {
      button.setAttribute('aria-pressed', String(button.dataset.as === name));
    }
  }

  #find(name) {
    return this.#panel.querySelector(name);
  }
}
