// The last lines of a process's output, with their styles.
//
// stdout and stderr each have an open line of their own, so a write to one stream does not break
// the line of the other.
import {AnsiReader, PLAIN} from './ansi.js';

const MOST_LINES = 5000;
const MOST_CHARACTERS = 2 * 1024 * 1024;
// A longer line is broken here, so that one line cannot take all the room.
const LONGEST_LINE = 16 * 1024;
const NEWLINE = 0x0a;

export class OutputLine {
  runs = [];
  length = 0;
  // The bytes that the process wrote for this line, with control sequences. For a note, the bytes
  // that it tells of.
  bytes = 0;
  // When the server read its first byte, in milliseconds. Null if the server did not say.
  time = null;
  version = 0;
  // Whether the log has dropped it.
  dropped = false;

  // `kind` is 'stdout', 'stderr' or 'note'. A note is words of the page, not of the process.
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
  // The last line that was written to, and the bytes that made no line yet.
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

  // `time` is when the server read the data, or null.
  write(data, time) {
    this.#time = time;
    // Line by line, so that each line knows its bytes. In UTF-8, a newline is never part of another
    // character.
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

  // Bytes are missing. What comes next does not continue the line before.
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
  // The number of dropped lines, and of the process's bytes in them.
  cutLines = 0;
  cutBytes = 0;
  // The process's bytes in the lines that are kept.
  bytes = 0;
  // The bytes before the first one that was sent, and those of them that are known to be lost.
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

  // Adds a line of the page's own, for example for a gap of so many bytes. `stream` then continues
  // on a new line.
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

  // The log begins `bytes` after the process's first byte. `lost` of them are lost.
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
    // This runs within a write, too, so that a burst is never held as a whole.
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
