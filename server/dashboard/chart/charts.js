// The charts of the overview: one window, one cursor.
import {count, duration, rate} from '../value/format.js';
import {Chart} from './chart.js';

// The seconds that are shown, and the seconds of one point.
const WINDOWS = {5: [300, 2], 15: [900, 5], 60: [3600, 20]};

export class Charts {
  #store;
  #charts;
  #minutes = 5;

  constructor(panel, store) {
    this.#store = store;
    const moved = (index) => this.#charts.forEach((chart) => chart.setCursor(index));
    const whole = (value) => count(Math.round(value));
    this.#charts = [
      new Chart({title: 'Starts and exits per second', format: rate, tick: ratePlain, moved}, [
        {key: 'starts', label: 'starts', color: 'blue', shape: 'line'},
        {key: 'exits', label: 'exits', color: 'amber', shape: 'line', dash: true},
      ]),
      new Chart({title: 'Failures', format: whole, whole: true, moved}, [
        {key: 'failures', label: 'failed', color: 'red', shape: 'bar'},
      ]),
      new Chart({title: 'Running processes', format: whole, whole: true, moved}, [
        {key: 'running', label: 'running', color: 'blue', shape: 'area'},
      ]),
      new Chart({title: 'Run time', format: duration, tick: powerOfTen, log: true, moved}, [
        {key: 'p50', label: 'p50', color: 'teal', shape: 'line'},
        {key: 'p99', label: 'p99', color: 'violet', shape: 'line', dash: true},
      ]),
    ];
    panel.querySelector('.plots').append(...this.#charts.map(({element}) => element));
    for (const button of panel.querySelectorAll('[data-minutes]')) {
      button.addEventListener('click', () => {
        this.#minutes = Number(button.dataset.minutes);
        for (const other of panel.querySelectorAll('[data-minutes]')) {
          other.setAttribute('aria-pressed', String(other === button));
        }
        moved(null);
        this.render();
      });
    }
  }

  readColors() {
    this.#charts.forEach((chart) => chart.readColors());
  }

  render() {
    const [seconds, step] = WINDOWS[this.#minutes];
    const {series, gaps, running} = this.#store;
    if (this.#store.position === null) {
      return;
    }
    const points = {...series.window(this.#store.now(), seconds, step, running), gaps};
    this.#charts.forEach((chart) => chart.setPoints(points));
  }
}

// The labels of an axis have only as many digits as tell them apart.
function ratePlain(value) {
  return count(Number(value.toPrecision(3)));
}

function powerOfTen(milliseconds) {
  if (milliseconds < 1) {
    return `${Math.round(milliseconds * 1000)} µs`;
  }
  return milliseconds < 1000
    ? `${Number(milliseconds.toPrecision(1))} ms`
    : `${milliseconds / 1000} s`;
}
