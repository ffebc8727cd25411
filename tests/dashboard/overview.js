// What the overview of a page shows.
'use strict';

// The commands of the rows that are drawn, from the top.
const commands = (page) =>
  page.$$eval('#processes .row:not([hidden])', (rows) =>
    rows
      .sort((one, other) => one.ariaRowIndex - other.ariaRowIndex)
      .map((row) => row.querySelector('.mono').textContent),
  );

const waitForCommands = (page, wanted) =>
  page.waitForFunction((expected) => {
    const rows = [...document.querySelectorAll('#processes .row:not([hidden])')];
    rows.sort((one, other) => one.ariaRowIndex - other.ariaRowIndex);
    return JSON.stringify(rows.map((row) => row.querySelector('.mono').textContent)) === expected;
  }, JSON.stringify(wanted));

// How often the page counted the exits of these processes.
const exitsCounted = (page, ids) =>
  page.evaluate((wanted) => {
    const {store} = proctor;
    return {
      feed: store.exits.filter(({id}) => wanted.includes(id)).length,
      charts: store.series.totals(store.now(), 300).exits,
    };
  }, ids);

module.exports = {commands, exitsCounted, waitForCommands};
