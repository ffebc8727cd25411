// Turns the server's values into numbers, and numbers into words.

const SAFE_ARGUMENT = /^[\w@%+=:,./-]+$/;
// The server's log and the command escape the same characters.
const NOT_PRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;
const ESCAPES = {'\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e'};

// Returns milliseconds since 1970, or null if the field is absent.
export function parseTime(text) {
  return text ? Date.parse(text) : null;
}

// Returns "1.250s" in milliseconds, or null if the field is absent.
export function parseDuration(text) {
  return text ? Number.parseFloat(text) * 1000 : null;
}

// Escapes control characters, invisible ones, and those that reverse text: they could forge a row.
export function visible(text) {
  return text.replace(NOT_PRINTABLE, (character) => {
    const code = character.codePointAt(0).toString(16);
    return ESCAPES[character] ?? (code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`);
  });
}

function quote(argument) {
  return SAFE_ARGUMENT.test(argument)
    ? argument
    : `'${visible(argument).replaceAll("'", "'\\''")}'`;
}

// Quotes an argument vector for a shell. Every character arrives as it is.
export function shellCommand(argv) {
  return argv
    .map((argument) => {
      if (SAFE_ARGUMENT.test(argument)) {
        return argument;
      }
      if (argument.search(NOT_PRINTABLE) < 0) {
        return `'${argument.replaceAll("'", "'\\''")}'`;
      }
      // Invisible characters are pasted as escapes that one can see.
      const escaped = argument
        .replace(/[\\']/g, '\\$&')
        .replace(
          NOT_PRINTABLE,
          (character) => ESCAPES[character] ?? ansiC(character.codePointAt(0)),
        );
      return `$'${escaped}'`;
    })
    .join(' ');
}

function ansiC(code) {
  const hex = code.toString(16);
  if (code < 0x80) {
    return `\\x${hex.padStart(2, '0')}`;
  }
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

// The command line of a proctor.v1.Process. It ends with … if the server left parts out.
export function commandOf({spec, spec_omitted: omitted}) {
  const line = (spec?.argv ?? []).map(quote).join(' ');
  return Number(omitted?.bytes ?? 0) + Number(omitted?.arguments ?? 0) > 0 ? `${line} …` : line;
}

// 0.33 ms, 5.6 ms, 1.20 s, 12.3 s, 3m 20s, 2h 05m, 3d 4h
export function duration(milliseconds) {
  if (milliseconds === null || Number.isNaN(milliseconds)) {
    return '–';
  }
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 0.001) {
    return seconds === 0 ? '0 ms' : `${(seconds * 1e6).toFixed(0)} µs`;
  }
  if (seconds < 1) {
    const value = seconds * 1000;
    return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  }
  if (seconds < 60) {
    return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  }
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, '0');
  if (whole < 3600) {
    return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  }
  if (whole < 86400) {
    return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
  }
  return `${Math.floor(whole / 86400)}d ${Math.floor(whole / 3600) % 24}h`;
}

// Whole units only, so that a text that changes each second does not flicker.
export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

export function bytes(count) {
  if (count === null) {
    return '–';
  }
  let value = Number(count);
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024) {
      return `${unit === 'B' || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    }
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

export function count(value) {
  return value.toLocaleString('en-US');
}

export function rate(value) {
  if (value === 0) {
    return '0';
  }
  return value < 10 ? value.toFixed(1) : count(Math.round(value));
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString('en-GB');
}

// To the millisecond.
export function clockMillis(milliseconds) {
  return `${clock(milliseconds)}.${String(new Date(milliseconds).getMilliseconds()).padStart(3, '0')}`;
}

export function dateTime(milliseconds) {
  const day = new Intl.DateTimeFormat('sv-SE').format(new Date(milliseconds));
  return `${day} ${clockMillis(milliseconds)}`;
}

// Ids are random from their first character on, so eight characters tell them apart.
export function shortId(id) {
  return id.slice(0, 8);
}

// Returns the name of a value of an enum without its prefix: RUN_TIMEOUT.
export function enumName(value, prefix) {
  return (value ?? '').replace(prefix, '');
}
