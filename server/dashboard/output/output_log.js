// The lines of a process's output, as many as are kept, with the styles of each.
//
// stdout and stderr have a line of their own each that is being written, so that a write
// to the one does not tear the other's line apart.
import {AnsiReader, PLAIN} from './ansi.js';

const MOST_LINES = 5000;
const MOST_CHARACTERS = 2 * 1024 * 1024;
// A line without end is broken here, or it alone would take all that is kept.
const LONGEST_LINE = 16 * 1024;
const NEWLINE = 0x0a;

export class OutputLine {
  runs = [];
  length = 0;
  // Of the process's own: what it wrote for this line, control sequences and all; and, of a
  // note, how many it tells of.
  bytes = 0;
  // When its first byte was read by the server, in milliseconds; null where nobody said.
  time = null;
  version = 0;
  // Whether the log has let go of it.
  dropped = false;

  // `kind` is 'stdout', 'stderr' or 'note', which is said by the page, not the process.
  constructor(kind) {
    this.kind = kind;
  }

  get text() {
    return this.runs.map(({text}) => text).join('');
  }

  write(column, text, style) {
    if (column === this.length) {
      const last = this.runs.at(-1);
      if (last?.style === style) {
        last.text += text;
      } else {
        this.runs.push({text, style});
      }
    } else {
      this.runs = [
        ...this.#slice(0, column),
        {text, style},
        ...this.#slice(column + text.length, this.length),
      ];
    }
    this.length = Math.max(this.length, column + text.length);
    this.version++;
  }

  cut(from, to) {
    this.runs = [...this.#slice(0, from), ...this.#slice(to, this.length)];
    this.length = this.runs.reduce((sum, {text}) => sum + text.length, 0);
    this.version++;
  }

  #slice(from, to) {
    const kept = [];
    let start = 0;
    for (const {text, style} of this.runs) {
      const part = text.slice(Math.max(0, from - start), Math.max(0, to - start));
      if (part !== '') {
        kept.push({text: part, style});
      }
      start += text.length;
    }
    return kept;
  }
}

class StreamWriter {
  #log;
  #kind;
  #line = null;
  // The line that was last written to, and bytes that made no line yet.
  #last = null;
  #owed = 0;
  #time = null;
  #column = 0;
  #decoder = new TextDecoder();
  #reader = new AnsiReader(this);

  constructor(log, kind) {
    this.#log = log;
    this.#kind = kind;
  }

  // `time` is when it was read, if that is known.
  write(data, time) {
    this.#time = time;
    // Line by line, so that each knows its bytes; in UTF-8 this one is no part of another.
    for (let from = 0; from < data.length;) {
      const to = data.indexOf(NEWLINE, from) + 1 || data.length;
      const part = data.subarray(from, to);
      this.#owed += part.length;
      this.#reader.write(this.#decoder.decode(part, {stream: true}));
      if (this.#last !== null) {
        this.#log.count(this.#last, this.#owed);
        this.#owed = 0;
      }
      from += part.length;
    }
  }

  // Bytes are missing: what comes next continues nothing.
  breakOff() {
    this.#decoder = new TextDecoder();
    this.#line = null;
  }

  text(characters, style) {
    for (let from = 0; from < characters.length;) {
      const line = this.#current();
      const part = characters.slice(from, from + LONGEST_LINE - this.#column);
      const before = line.length;
      if (this.#column > before) {
        line.write(before, ' '.repeat(this.#column - before), PLAIN);
      }
      line.write(this.#column, part, style);
      this.#log.grew(line.length - before);
      this.#column += part.length;
      from += part.length;
      if (this.#column >= LONGEST_LINE) {
        this.#line = null;
      }
    }
  }

  newline() {
    this.#current();
    this.#line = null;
  }

  returned() {
    this.#column = 0;
  }

  back() {
    this.#column = Math.max(0, this.#column - 1);
  }

  erase(mode) {
    const line = this.#current();
    const before = line.length;
    if (mode === 0) {
      line.cut(this.#column, line.length);
    } else if (mode === 2) {
      line.cut(0, line.length);
    }
    this.#log.grew(line.length - before);
  }

  #current() {
    if (this.#line === null || this.#line.dropped) {
      this.#line = this.#log.add(new OutputLine(this.#kind));
      this.#line.time = this.#time;
      this.#last = this.#line;
      this.#column = 0;
    }
    return this.#line;
  }
}

export class OutputLog {
  lines = [];
  // How many lines were let go of, and of how many bytes of the process.
  cutLines = 0;
  cutBytes = 0;
  // The bytes of the lines that are left.
  bytes = 0;
  // How many came before the first that was told at all; and how many are known to be lost.
  bytesBefore = 0;
  bytesLost = 0;
  version = 0;
  #characters = 0;
  #writers = {stdout: new StreamWriter(this, 'stdout'), stderr: new StreamWriter(this, 'stderr')};

  write(stream, data, time = null) {
    this.#writers[stream].write(data, time);
    this.#trim();
    this.version++;
  }

  // A line of our own, such as of a gap of so many bytes; `stream` then continues on a new line.
  note(text, stream = null, bytes = 0) {
    if (stream !== null) {
      this.#writers[stream].breakOff();
    }
    const line = this.add(new OutputLine('note'));
    line.write(0, text, PLAIN);
    this.grew(text.length);
    this.count(line, bytes);
    this.version++;
  }

  // Begins so many bytes after the process did, of which so many are lost.
  skip(bytes, lost) {
    this.bytesBefore += bytes;
    this.bytesLost += lost;
    this.version++;
  }

  count(line, bytes) {
    if (line.dropped) {
      this.cutBytes += bytes;
    } else {
      line.bytes += bytes;
      this.bytes += bytes;
    }
  }

  add(line) {
    this.lines.push(line);
    // Within one write, so that no burst is held as a whole.
    if (this.lines.length > 2 * MOST_LINES) {
      this.#trim();
    }
    return line;
  }

  grew(characters) {
    this.#characters += characters;
  }

  #trim() {
    const surplus = this.lines.length - MOST_LINES;
    let drop = 0;
    let characters = 0;
    let bytes = 0;
    while (
      drop < this.lines.length &&
      (drop < surplus || this.#characters - characters > MOST_CHARACTERS)
    ) {
      characters += this.lines[drop].length;
      bytes += this.lines[drop].bytes;
      this.lines[drop].dropped = true;
      drop++;
    }
    if (drop > 0) {
      this.lines.splice(0, drop);
      this.cutLines += drop;
      this.cutBytes += bytes;
      this.bytes -= bytes;
      this.#characters -= characters;
    }
  }
}
