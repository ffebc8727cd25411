// One chart on a canvas: lines, areas or bars over time. Mouse and keyboard move its readout. It
// draws the points that it is given and keeps no others.
import {element, setText} from '../element/element.js';
import {clock} from '../value/format.js';

const LEFT = 48;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 20;

export class Chart {
  #canvas = element('canvas', {'aria-hidden': 'true'});
  #plot;
  #values = [];
  #series;
  #options;
  #points = null;
  #cursor = null;
  #colors = {};

  // `series`: [{key, label, color, shape: 'line'|'area'|'bar', dash}]. A colour is the name of a
  // CSS variable. `options`: {title, format, tick, whole, log, moved(index)}.
  constructor(options, series) {
    this.#options = options;
    this.#series = series;
    const legend = element('div', {class: 'legend'});
    for (const one of series) {
      const value = element('span', {class: 'value'});
      this.#values.push(value);
      legend.append(
        element(
          'span',
          {class: 'key'},
          element('i', {class: `swatch ${one.color}${one.dash ? ' dashed' : ''}`}),
          one.label,
          value,
        ),
      );
    }
    this.#plot = element(
      'div',
      {class: 'plot', tabindex: '0', role: 'img', 'aria-label': options.title},
      this.#canvas,
    );
    this.element = element(
      'figure',
      {class: 'chart'},
      element('figcaption', {}, element('span', {class: 'title', text: options.title}), legend),
      this.#plot,
    );
    this.#plot.addEventListener('pointermove', (event) => this.#point(event));
    this.#plot.addEventListener('pointerleave', () => this.#options.moved(null));
    this.#plot.addEventListener('blur', () => this.#options.moved(null));
    this.#plot.addEventListener('keydown', (event) => this.#takeKey(event));
    new ResizeObserver(() => this.draw()).observe(this.#plot);
  }

  setPoints(points) {
    this.#points = points;
    this.draw();
  }

  setCursor(index) {
    this.#cursor = index;
    this.draw();
  }

  // Colours come from the style sheet and follow the theme. Only a property that takes a colour
  // resolves a CSS variable.
  readColors() {
    const {style} = this.#plot;
    const computed = getComputedStyle(this.#plot);
    for (const name of ['grid', 'muted', ...this.#series.map(({color}) => color)]) {
      style.color = `var(--${name})`;
      this.#colors[name] = computed.color;
    }
    style.color = '';
    this.#colors.font = `11px ${computed.fontFamily}`;
    this.draw();
  }

  draw() {
    const {clientWidth: width, clientHeight: height} = this.#plot;
    if (this.#points === null || width === 0 || height === 0) {
      return;
    }
    if (!this.#colors.font) {
      this.readColors();
      return;
    }
    const density = window.devicePixelRatio || 1;
    const canvas = this.#canvas;
    if (
      canvas.width !== Math.round(width * density) ||
      canvas.height !== Math.round(height * density)
    ) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    const context = canvas.getContext('2d');
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    const area = {left: LEFT, top: TOP, width: width - LEFT - RIGHT, height: height - TOP - BOTTOM};
    const scale = this.#scale(area);
    this.#drawGaps(context, area);
    this.#drawAxes(context, area, scale);
    for (const series of this.#series) {
      this.#drawSeries(context, area, scale, series);
    }
    this.#drawCursor(context, area, scale);
    this.#showValues();
  }

  #x(area, index) {
    return area.left + (index / Math.max(1, this.#points.times.length - 1)) * area.width;
  }

  #scale(area) {
    let most = 0;
    let least = Infinity;
    for (const {key} of this.#series) {
      for (const value of this.#points[key]) {
        if (value !== null) {
          most = Math.max(most, value);
          least = Math.min(least, value);
        }
      }
    }
    const {top, height} = area;
    if (this.#options.log) {
      const low = Math.floor(Math.log10(Number.isFinite(least) ? Math.max(least, 0.01) : 1));
      const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(most, 0.01))));
      const every = Math.ceil((high - low) / 4);
      const ticks = [];
      for (let power = low; power <= high; power += every) {
        ticks.push(10 ** power);
      }
      const y = (value) =>
        top + height * (1 - (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low));
      return {ticks: Number.isFinite(least) ? ticks : [], y};
    }
    const step = niceStep(most, this.#options.whole, Math.max(2, Math.floor(height / 32)));
    const high = Math.max(step, Math.ceil(most / step - 1e-9) * step);
    const ticks = [];
    for (let value = 0; value <= high + step / 2; value += step) {
      ticks.push(value);
    }
    return {ticks, y: (value) => top + height * (1 - value / high)};
  }

  #drawAxes(context, area, scale) {
    context.font = this.#colors.font;
    context.fillStyle = this.#colors.muted;
    context.strokeStyle = this.#colors.grid;
    context.lineWidth = 1;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    context.beginPath();
    const tick = this.#options.tick ?? this.#options.format;
    for (const value of scale.ticks) {
      const y = Math.round(scale.y(value)) + 0.5;
      context.moveTo(area.left, y);
      context.lineTo(area.left + area.width, y);
      context.fillText(tick(value), area.left - 6, y);
    }
    context.stroke();
    this.#drawTimes(context, area);
  }

  #drawTimes(context, area) {
    const {times} = this.#points;
    const span = times.at(-1) - times[0];
    const wanted = Math.max(2, Math.floor(area.width / 90));
    const step =
      [30, 60, 120, 300, 600, 900, 1200, 1800].find((seconds) => span / 1000 / seconds <= wanted) ??
      3600;
    context.textBaseline = 'alphabetic';
    context.textAlign = 'center';
    const first = Math.ceil(times[0] / 1000 / step) * step;
    for (let second = first; second * 1000 <= times.at(-1); second += step) {
      const x = area.left + ((second * 1000 - times[0]) / span) * area.width;
      const text = clock(second * 1000);
      if (x > area.left + 12 && x < area.left + area.width - 12) {
        context.fillText(step < 60 ? text : text.slice(0, 5), x, area.top + area.height + 15);
      }
    }
  }

  // Spans without events from the server are shaded: nothing is known of them.
  #drawGaps(context, area) {
    const {times, gaps} = this.#points;
    const span = times.at(-1) - times[0];
    context.fillStyle = this.#colors.grid;
    for (const {from, to} of gaps) {
      const left = Math.max(0, (from - times[0]) / span) * area.width;
      const right = Math.min(1, (to - times[0]) / span) * area.width;
      if (right >= left && right > 0) {
        context.fillRect(area.left + left, area.top, Math.max(2, right - left), area.height);
      }
    }
  }

  #drawSeries(context, area, scale, {key, color, shape, dash}) {
    const values = this.#points[key];
    context.strokeStyle = this.#colors[color];
    context.fillStyle = this.#colors[color];
    if (shape === 'bar') {
      const width = Math.max(1, area.width / values.length - 1);
      values.forEach((value, index) => {
        if (value > 0) {
          const y = scale.y(value);
          context.fillRect(this.#x(area, index) - width / 2, y, width, area.top + area.height - y);
        }
      });
      return;
    }
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    context.setLineDash(dash ? [4, 3] : []);
    const path = new Path2D();
    let drawing = false;
    values.forEach((value, index) => {
      if (value === null) {
        drawing = false;
        return;
      }
      const x = this.#x(area, index);
      const y = scale.y(value);
      // A value without neighbours makes no line, so it gets a dot.
      if (!drawing && values[index + 1] == null) {
        path.rect(x - 1, y - 1, 2, 2);
      } else if (drawing) {
        path.lineTo(x, y);
      } else {
        path.moveTo(x, y);
      }
      drawing = true;
    });
    context.stroke(path);
    context.setLineDash([]);
    if (shape === 'area') {
      path.lineTo(area.left + area.width, area.top + area.height);
      path.lineTo(area.left, area.top + area.height);
      context.globalAlpha = 0.12;
      context.fill(path);
      context.globalAlpha = 1;
    }
  }

  #drawCursor(context, area, scale) {
    if (this.#cursor === null) {
      return;
    }
    const x = Math.round(this.#x(area, this.#cursor)) + 0.5;
    context.strokeStyle = this.#colors.muted;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, area.top);
    context.lineTo(x, area.top + area.height);
    context.stroke();
    for (const {key, color} of this.#series) {
      const value = this.#points[key][this.#cursor];
      if (value !== null && value !== undefined) {
        context.fillStyle = this.#colors[color];
        context.beginPath();
        context.arc(x, scale.y(value), 3, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  #showValues() {
    const {times} = this.#points;
    const index = this.#cursor ?? times.length - 1;
    const words = [];
    this.#series.forEach(({key, label}, place) => {
      const value = this.#points[key][index];
      const text = value === null || value === undefined ? '–' : this.#options.format(value);
      setText(this.#values[place], text);
      words.push(`${label} ${text}`);
    });
    const when = this.#cursor === null ? 'now' : `at ${clock(times[index])}`;
    setText(
      this.element.querySelector('.title'),
      this.#cursor === null ? this.#options.title : clock(times[index]),
    );
    this.#plot.setAttribute('aria-label', `${this.#options.title}, ${when}: ${words.join(', ')}`);
  }

  #point(event) {
    if (this.#points !== null) {
      const width = this.#plot.clientWidth - LEFT - RIGHT;
      this.#moveTo(Math.round(((event.offsetX - LEFT) / width) * (this.#points.times.length - 1)));
    }
  }

  #takeKey(event) {
    const by = {
      ArrowLeft: -1,
      ArrowRight: 1,
      PageUp: -10,
      PageDown: 10,
      Home: -Infinity,
      End: Infinity,
    }[event.key];
    if (by !== undefined && this.#points !== null) {
      event.preventDefault();
      this.#moveTo((this.#cursor ?? this.#points.times.length - 1) + by);
    }
  }

  #moveTo(index) {
    this.#options.moved(Math.min(this.#points.times.length - 1, Math.max(0, index)));
  }
}

// The smallest of 1, 2, 5 times a power of ten that needs at most `most` steps.
function niceStep(value, whole, most) {
  const rough = Math.max(value, whole ? 1 : 0.1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough - 1e-12) * power;
  return whole ? Math.max(1, step) : step;
}
