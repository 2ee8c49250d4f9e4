// The console's page: shows what the stream says, and asks for what people want to know or do. Texts of others are never
// put in as markup.

const $ = id => document.getElementById(id);
const VERDICTS = {
  DONE: 'this occurrence has completed',
  RUNNING: 'this occurrence runs elsewhere now',
  OVERLAP: 'another occurrence holds the lock key',
  THROTTLED: 'as many have begun as may in a time',
  PAUSED: 'somebody has paused the key',
  QUEUED: 'it is in the queue already, or at work',
  ABANDONED: 'a run broke off, and a person has to decide',
  UNAVAILABLE: 'Redis or the ledger could not answer',
  NOT_RENEWED: 'no renewal was confirmed in time',
  GONE: 'somebody took the lease, or Redis ended it',
  SUPERSEDED: 'the ledger has given the occurrence to another run',
  MAX_HOLD: 'it worked for longer than maxHold',
  CANCELLED: 'a later run was to take its place',
  NOT_BEGUN: 'the ledger did not confirm that it begins, so it did not',
  SHUTDOWN: 'the application was stopped',
};
const WHAT = {
  refused: ['skipped', 'warn'], lost: ['lost', 'bad'], again: ['begun again', 'warn'], unguarded: ['unguarded', 'bad'],
  would: ['would have skipped', 'warn'], twice: ['ran twice', 'bad'],
  forced: ['taken away', 'bad'], resolved: ['resolved', 'good'],
};
const TABS = [
  ['work', 'At work'], ['waiting', 'Waiting'], ['events', 'Skipped and lost'], ['abandoned', 'Abandoned'], ['search', 'Search'],
  ['health', 'Health'], ['audit', 'Audit'],
];
const MOST_ROWS = 2000;
const GONE_FOR = 15 * 60 * 1000;

let session = { mayChange: false, mayRead: false, needsLogin: false, csrf: '', ledger: false, worker: '' };
let view = null;
let source = null;
let seenAt = 0;
let skew = 0;
let tab = 'work';
let open = null;
const runs = new Map();
const rows = new Map();
/** Rows that can be seen: only their times go on. */
const seen = new IntersectionObserver(entries => {
  for (const entry of entries) {
    entry.target.visible = entry.isIntersecting;
    if (entry.isIntersecting) tick(entry.target, now());
  }
}, { rootMargin: '400px' });
const gone = new Map();

// Elements

function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === 'class') element.className = value;
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'label') element.dataset.label = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== ''));
  return element;
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function text(element, value) {
  const node = element.firstChild;
  if (node && !node.nextSibling && node.nodeType === Node.TEXT_NODE) {
    if (node.data !== value) node.data = value;
  } else {
    element.textContent = value;
  }
}

// Texts

const now = () => Date.now() + skew;

function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min ' + (s % 60) + ' s';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
  return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h';
}

function instant(ms) {
  if (!ms) return '–';
  const at = new Date(ms);
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  return at.toDateString() === new Date().toDateString() ? time : at.toLocaleDateString() + ' ' + time;
}

const count = (n, one, many) => n + ' ' + (n === 1 ? one : many);
const keyOf = run => run.lock || run.run;

function keys(run) {
  return [run.lock ? 'lock ' + run.lock : '', run.run ? 'run ' + run.run : ''].filter(Boolean).join(', ');
}

function contains(values, wanted) {
  return !wanted || values.some(value => String(value ?? '').toLowerCase().includes(wanted));
}

// The server

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Hapax-Csrf': session.csrf },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch('api/' + path, { ...options, credentials: 'same-origin' });
  } catch {
    throw new Error('the worker that serves this page does not answer');
  }
  let answer = {};
  try {
    answer = await response.json();
  } catch { /* a proxy's error page */ }
  if (!response.ok) {
    const error = new Error(answer.error || 'the worker answered with status ' + response.status);
    error.status = response.status;
    throw error;
  }
  return answer;
}

async function begin() {
  try {
    session = await ask('session');
  } catch (e) {
    cut(e.message);
    setTimeout(begin, 3000);
    return;
  }
  $('log-in').hidden = !session.needsLogin || session.mayChange;
  $('log-out').hidden = !session.mayChange;
  if (session.ledger && $('search-in').length === 2) {
    $('search-in').append(el('option', { value: 'all' }, 'occurrences in the ledger'));
    for (const state of ['running', 'done', 'failed', 'released', 'lost', 'abandoned']) {
      $('search-in').append(el('option', { value: state }, '… that are ' + state));
    }
  }
  if (session.mayRead) {
    listen();
    if (tab === 'audit') audit();
  } else if (session.needsLogin) {
    cut('log in to see something');
    if (!$('login').open) $('login').showModal();
  } else {
    ask('fleet').catch(e => cut(e.message));
  }
}

function listen() {
  if (source) source.close();
  source = new EventSource('api/stream');
  source.onmessage = message => take(JSON.parse(message.data));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      cut('no connection to worker ' + session.worker);
      setTimeout(begin, 3000);
    }
  };
}

function take(change) {
  if (change.first) {
    runs.clear();
  }
  for (const run of change.changed) runs.set(run.owner, { ...run, fresh: !change.first && !runs.has(run.owner) });
  for (const owner of change.gone) runs.delete(owner);
  const before = view;
  view = change.fleet;
  seenAt = Date.now();
  skew = view.now - Date.now();
  for (const [name, at] of gone) if (seenAt - at > GONE_FOR) gone.delete(name);
  for (const worker of view.workers) gone.delete(worker.name);
  // After a pause nobody knows since when.
  for (const worker of before && !change.first ? before.workers : []) {
    if (!view.workers.some(known => known.name === worker.name)) gone.set(worker.name, seenAt);
  }
  $('link').className = 'live';
  text($('link-text'), 'live');
  show();
}

function cut(why) {
  $('link').className = 'cut';
  text($('link-text'), why);
}

// Drawing

function show() {
  text($('where'), (view.namespace.match(/namespace=(\S+)/) || [0, view.namespace])[1] + ', seen by worker ' + session.worker);
  const down = view.servers.filter(server => !server.up).length + (session.ledger && !view.ledger.up ? 1 : 0);
  const numbers = {
    work: [view.workers.reduce((sum, worker) => sum + worker.active, 0)],
    waiting: [view.waiting.length],
    events: [view.events.filter(isNotable).length, view.events.some(event => event.what === 'lost')],
    abandoned: [view.abandoned.length, view.abandoned.length > 0],
    health: [down ? down + ' down' : '', down > 0],
  };
  for (const [name] of TABS) {
    const [n, bad] = numbers[name] || [''];
    const badge = $('tab-' + name).querySelector('.n');
    text(badge, String(n));
    badge.hidden = n === '';
    badge.className = bad ? 'n bad' : 'n';
  }
  notices();
  charts();
  panel();
  if (open) detail(open, false);
}

function notices() {
  const all = view.warnings.map(warning => ['', warning]);
  for (const server of view.servers) if (!server.up) all.push(['bad', server.detail.includes(server.server) ? server.detail : 'Redis at ' + server.server + ': ' + server.detail]);
  if (session.ledger && !view.ledger.up) all.push(['bad', 'ledger: ' + view.ledger.detail]);
  for (const [name, at] of gone) all.push(['', 'worker ' + name + ' has not reported since ' + instant(at) + ': stopped, dead, or cut off']);
  const list = $('notices');
  const said = JSON.stringify(all);
  if (list.dataset.said === said) return;
  list.dataset.said = said;
  list.replaceChildren(...all.map(([kind, what]) => el('li', { class: kind }, what)));
}

function charts() {
  const kinds = [['runs', 'Runs begun'], ['refused', 'Refused'], ['lost', 'Leases lost']];
  const { from, step } = view.chart;
  if (!$('charts').children.length) {
    $('charts').append(...kinds.map(([name, title]) => el('figure', { class: name, tabindex: '0', role: 'group' },
      el('figcaption', {}, title, el('strong', {})),
      svg('svg', { viewBox: '0 0 120 20', preserveAspectRatio: 'none', 'aria-hidden': 'true' }),
      el('div', { class: 'axis', 'aria-hidden': 'true' }, el('span', {}, '1 h ago'), el('span', { class: 'peak' }), el('span', {}, 'now')))));
    for (const figure of $('charts').children) {
      figure.querySelector('svg').addEventListener('pointermove', event => point(figure, event));
      figure.querySelector('svg').addEventListener('pointerleave', () => { delete figure.dataset.at; charts(); });
    }
  }
  kinds.forEach(([name, title], index) => {
    const figure = $('charts').children[index];
    const values = view.chart[name];
    const sum = values.reduce((total, value) => total + value, 0);
    const most = Math.max(1, ...values);
    const at = figure.dataset.at === undefined ? -1 : Number(figure.dataset.at);
    text(figure.querySelector('strong'), at < 0 ? sum + ' in 1 h' : values[at] + ' at ' + instant((from + at * step) * 1000));
    text(figure.querySelector('.peak'), 'most ' + (sum ? most : 0) + ' in ' + step + ' s');
    figure.setAttribute('aria-label', title + ' in the last hour: ' + sum + ', at most ' + (sum ? most : 0) + ' in ' + step + ' seconds');
    const said = values.join();
    if (figure.dataset.said === said) return;
    figure.dataset.said = said;
    figure.querySelector('svg').replaceChildren(
      svg('line', { x1: 0, y1: 19.9, x2: 120, y2: 19.9, 'stroke-width': 0.2 }),
      ...values.map((value, n) => svg('rect', {
        class: 'bar', x: n + 0.1, width: 0.8, height: 19.5 * value / most, y: 19.7 - 19.5 * value / most,
      })));
  });
}

function point(figure, event) {
  const box = event.currentTarget.getBoundingClientRect();
  figure.dataset.at = String(Math.min(119, Math.max(0, Math.floor((event.clientX - box.left) / box.width * 120))));
  charts();
}

function panel() {
  if (!view) return;
  if (tab === 'work') work();
  if (tab === 'waiting') waiting();
  if (tab === 'events') events();
  if (tab === 'abandoned') abandoned();
  if (tab === 'health') health();
}

const ORDERS = {
  since: (a, b) => a.since - b.since,
  newest: (a, b) => b.since - a.since,
  until: (a, b) => a.until - b.until,
  job: (a, b) => a.job.localeCompare(b.job) || a.since - b.since,
};

function work() {
  workers();
  const wanted = $('work-text').value.trim().toLowerCase();
  const worker = $('work-worker').value;
  const age = Number($('work-age').value) * 1000;
  const at = now();
  const found = [...runs.values()]
    .filter(run => (!worker || run.worker === worker) && at - run.since >= age
      && contains([run.job, run.lock, run.run, run.worker, run.thread, run.owner], wanted))
    .sort(ORDERS[$('work-order').value]);
  const shown = found.slice(0, MOST_ROWS);
  const active = view.workers.reduce((sum, one) => sum + one.active, 0);
  text($('work-count'), active === 0 ? 'Nothing is at work.'
    : count(found.length, 'run', 'runs') + ' of ' + active + (shown.length < found.length ? ', the first ' + MOST_ROWS + ' of them here' : '')
      + (runs.size < active ? '; of each worker at most 1000 are listed' : '') + '.');
  $('work').hidden = active === 0;
  const body = $('work').tBodies[0];
  const kept = new Set(shown.map(run => run.owner));
  for (const [owner, row] of rows) {
    if (!kept.has(owner)) {
      seen.unobserve(row);
      row.remove();
      rows.delete(owner);
    }
  }
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  let next = body.firstElementChild;
  for (const run of shown) {
    let row = rows.get(run.owner);
    if (!row) {
      row = workRow(run);
      rows.set(run.owner, row);
      seen.observe(row);
    }
    row.run = run;
    if (row.visible) tick(row, at);
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
  if (focused && focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

function workers() {
  const select = $('work-worker');
  const names = view.workers.map(worker => worker.name);
  if (select.dataset.said === names.join()) return;
  select.dataset.said = names.join();
  const chosen = select.value;
  select.replaceChildren(el('option', { value: '' }, 'all'),
    ...names.map(name => el('option', { value: name }, name)));
  select.value = names.includes(chosen) ? chosen : '';
}

function workRow(run) {
  const row = el('tr', { class: run.fresh ? 'fresh' : '', role: 'row' },
    el('td', { label: 'Job', role: 'cell' },
      el('div', {}, el('button', { type: 'button', class: 'name', onclick: () => detail(row.run, true) }, run.job),
        el('small', { class: 'key' }, keys(run)))),
    el('td', { label: 'Worker', role: 'cell' }, el('div', {}, run.worker, el('small', { class: 'thread' }))),
    el('td', { label: 'Since', role: 'cell' }, el('div', {}, el('span', { class: 'age' }), el('small', {}, instant(run.since)))),
    el('td', { label: 'Lease left', role: 'cell' }, el('div', {}, el('span', { class: 'ttl' }), el('meter', { class: 'left', min: '0' }))),
    el('td', { label: 'Token', role: 'cell' }, el('div', {}, run.token, el('small', {}, run.attempt > 1 ? 'attempt ' + run.attempt : ''))));
  row.parts = ['thread', 'age', 'ttl', 'left'].map(name => row.querySelector('.' + name));
  return row;
}

function tick(row, at) {
  const [thread, age, ttl, meter] = row.parts;
  const { run } = row;
  const left = run.until - at;
  text(thread, run.thread || 'has left its code');
  text(age, span(at - run.since));
  text(ttl, run.until === 0 ? 'lost' : left > 0 ? span(left) + ' of ' + span(run.ttl) : 'not renewed');
  if (meter.max !== run.ttl) {
    meter.max = run.ttl;
    meter.low = run.ttl / 3;
    meter.optimum = run.ttl;
  }
  meter.value = Math.max(0, run.until === 0 ? 0 : left);
}

function table(label, heads, entries, empty) {
  if (!entries.length) return el('p', { class: 'empty' }, empty);
  // The roles are named since a phone's cards are no table for CSS.
  return el('table', { class: 'cards', role: 'table', 'aria-label': label },
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...heads.map(head => el('th', { scope: 'col', role: 'columnheader' }, head)))),
    el('tbody', { role: 'rowgroup' }, ...entries.map(cells => el('tr', { role: 'row' },
      ...cells.map((cell, n) => el('td', { label: heads[n], role: 'cell' }, el('div', {}, ...[cell].flat().filter(part => part !== null && part !== undefined && part !== ''))))))));
}

/** Draws anew only what has changed, so that focus and selection stay. */
function put(place, content, ...sources) {
  const said = JSON.stringify(sources);
  if (place.dataset.said === said) return;
  place.dataset.said = said;
  place.replaceChildren(...[content()].flat());
}

function waiting() {
  put($('panel-waiting'), () => table('Runs that wait', ['Job and keys', 'Worker', 'Waits for', 'What is in its way'],
    view.waiting.map(run => [
      [el('strong', {}, run.job), el('small', { class: 'key' }, keys(run))], run.worker, span(run.waited), run.reason]),
    'No run waits for its key.'), view.waiting);
}

const isNotable = event => event.what !== 'refused' || event.why !== 'RUNNING' && event.why !== 'DONE';

const badge = event => {
  const [name, kind] = WHAT[event.what] || [event.what, ''];
  return el('span', { class: 'badge ' + kind }, name + ' ' + event.why);
};

function events() {
  const wanted = $('events-text').value.trim().toLowerCase();
  const what = $('events-what').value;
  const named = view.events.filter(event =>
    contains([event.job, event.keys, event.reason, event.worker, event.why, event.holder], wanted));
  const found = named.filter(event => !what || event.what === what || what === 'notable' && isNotable(event));
  const usual = what === 'notable' ? named.length - found.length : 0;
  text($('events-count'), count(found.length, 'event', 'events')
    + (usual ? '; ' + usual + ' more say RUNNING or DONE: another replica has the occurrence, as it should be in a fleet' : '')
    + '. Workers that are alive remember the last 200 each, and the last five refusals of each job and verdict.');
  put($('events'), () => table('Skipped and lost', ['When', 'What', 'Job and keys', 'Why', 'Worker'], found.map(eventCells),
    'Nothing was skipped or lost, as far as the living workers remember.'), found);
}

function eventCells(event) {
  return [
    el('span', { class: 'time' }, instant(event.at)),
    [badge(event), el('small', {}, VERDICTS[event.why] || '')],
    [el('button', { type: 'button', class: 'name', onclick: () => jobEvents(event.job) }, event.job), el('small', { class: 'key' }, event.keys)],
    [event.reason, event.holder && !event.reason.includes(event.holder) ? el('small', {}, 'by ' + event.holder) : ''],
    el('span', { class: 'time' }, event.worker),
  ];
}

function jobEvents(job) {
  if ($('detail').open) $('detail').close();
  $('events-text').value = job;
  $('events-what').value = '';
  choose('events', true);
}

function abandoned() {
  put($('panel-abandoned'), () => [
    el('p', { class: 'hint' }, 'A run of a job that says afterCrash = ABANDON broke off. Nobody runs it again until a person has found out what it '
      + 'has done, and decides.'),
    session.ledger ? occurrences(view.abandoned, 'Nothing is abandoned.')
      : el('p', { class: 'empty' }, 'Without a ledger nothing is ever abandoned.')], view.abandoned, session.mayChange);
}

function occurrences(entries, empty) {
  return table('Occurrences', ['Job or key', 'State', 'Worker', 'Started', 'Attempt', 'Token'], entries.map(entry => [
    [el('button', { type: 'button', class: 'name', onclick: () => occurrence(entry) }, entry.run || entry.lock),
      entry.run && entry.lock ? el('small', { class: 'key' }, 'lock ' + entry.lock) : ''],
    el('span', { class: 'badge ' + ({ ABANDONED: 'bad', FAILED: 'warn', FAILED_FOR_GOOD: 'warn', DONE: 'good' }[entry.state] || '') }, entry.state.toLowerCase()),
    entry.worker,
    instant(entry.started),
    String(entry.attempt),
    entry.token,
  ]), empty);
}

function health() {
  put($('panel-health'), () => [
    el('h2', {}, 'Servers'),
    table('Servers', ['Server', 'State', 'Answers in', 'What it says'], [
      ...view.servers.map(server => serverCells('Redis ' + server.server, server, true)),
      serverCells('Ledger', view.ledger, session.ledger)], ''),
    el('h2', {}, 'Workers'),
    table('Workers', ['Worker', 'State', 'Runs at work', 'Settings'], [
      ...view.workers.map(worker => [worker.name, el('span', { class: 'badge good' }, 'reports'), String(worker.active), worker.settings]),
      ...[...gone].map(([name, at]) => [name, el('span', { class: 'badge warn' }, 'silent since ' + instant(at)), '–', '–'])],
    'No worker reports.')], view.servers.map(server => ({ ...server, latencyMicros: Math.round(server.latencyMicros / 1000) })),
  view.ledger.up, view.ledger.detail, Math.round(view.ledger.latencyMicros / 1000), view.workers, [...gone]);
}

function serverCells(name, server, expected) {
  return [name,
    el('span', { class: 'badge ' + (server.up ? 'good' : expected ? 'bad' : '') }, server.up ? 'up' : expected ? 'down' : 'none'),
    server.up ? (server.latencyMicros / 1000).toFixed(1) + ' ms' : '–', server.detail];
}

// Asked for

async function search(event) {
  event.preventDefault();
  const where = $('search-in').value;
  const wanted = encodeURIComponent($('search-text').value.trim());
  text($('search-count'), 'looking …');
  try {
    if (where === 'leases') {
      const answer = await ask('leases?text=' + wanted);
      const at = now();
      const found = answer.leases.map(lease => ({ ...lease, until: at + lease.left, found: true }));
      text($('search-count'), count(answer.found, 'lease', 'leases') + (found.length < answer.found ? ', the oldest ' + found.length + ' here' : '')
        + '. Looked at ' + answer.looked + (answer.complete ? '.' : ', and there are more: give more of the key.'));
      $('search').replaceChildren(table('Leases', ['Key', 'Worker', 'Since', 'Left', 'Token'], found.map(lease => [
        [el('button', { type: 'button', class: 'name', onclick: () => detail(lease, true) }, keyOf(lease)),
          lease.awaited ? el('small', {}, 'somebody waits for it') : ''],
        lease.worker, [span(now() - lease.since), el('small', {}, instant(lease.since))], span(lease.left), lease.token]), 'No lease is held.'));
    } else if (where === 'pauses') {
      const answer = await ask('pauses?text=' + wanted);
      const typed = $('search-text').value.trim();
      text($('search-count'), count(answer.found, 'paused key', 'paused keys')
        + (answer.pauses.length < answer.found ? ', the oldest ' + answer.pauses.length + ' here.' : '.'));
      $('search').replaceChildren(
        table('Paused keys', ['Key', 'Since', 'Until', 'Who', 'Reason'], answer.pauses.map(pause => [
          el('button', { type: 'button', class: 'name', onclick: () => paused(pause) }, keyOf(pause)),
          [span(now() - pause.since), el('small', {}, instant(pause.since))],
          untilResumed(pause), pause.actor, pause.reason]), 'No such key is paused.'),
        ...session.mayChange && typed && !answer.pauses.some(pause => keyOf(pause) === typed)
          ? [el('button', { type: 'button', id: 'pause-typed', onclick: () => pauseKey({ lock: typed, run: '' }) }, 'Pause lock key ' + typed)] : []);
    } else {
      const found = await ask('runs?text=' + wanted + '&state=' + (where === 'all' ? '' : where));
      text($('search-count'), count(found.length, 'occurrence', 'occurrences') + (found.length === 200 ? ', the newest' : '') + '.');
      $('search').replaceChildren(occurrences(found, 'The ledger has no such occurrence.'));
    }
  } catch (e) {
    text($('search-count'), e.message);
    $('search').replaceChildren();
  }
}

async function audit() {
  try {
    const entries = await ask('audit');
    put($('panel-audit'), () => table('Audit', ['When', 'What', 'Key', 'Who', 'Reason', 'Holder'], entries.map(entry => [
      instant(entry.at), el('span', { class: 'badge' }, entry.action.toLowerCase().replaceAll('_', ' ')), el('span', { class: 'key' }, entry.subject),
      entry.actor, entry.reason, entry.holder]), 'Nobody has interfered yet.'), entries);
  } catch (e) {
    put($('panel-audit'), () => el('p', { class: 'empty' }, e.message), e.message);
  }
}

// One run

function facts(list) {
  return el('dl', {}, ...list.filter(([, value]) => value !== '' && value !== undefined && value !== null)
    .flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

function dialog(title) {
  text($('detail-title'), title);
  if (!$('detail').open) $('detail').showModal();
}

/** A run at work, or a lease that was found in Redis. */
function detail(run, anew) {
  const current = runs.get(run.owner);
  const known = current || run;
  const at = now();
  open = known;
  dialog(known.job || keyOf(known));
  const left = known.until - at;
  $('detail-facts').replaceChildren(facts([
    ['Held by', known.worker + (known.thread ? ', thread ' + known.thread : '')],
    ['Since', instant(known.since) + ', ' + span(at - known.since) + ' ago'],
    ['Lease', !current && (!known.found || left <= 0) ? known.found ? 'ended, unless it was renewed: search again' : 'ended'
      : known.until === 0 ? 'lost: the run was told, and may still be on its way out'
        : span(left) + ' left unless it is renewed' + (known.ttl ? ' (ttl ' + span(known.ttl) + ')' : '')],
    ['Lock key', known.lock], ['Run key', known.run], ['Fencing token', known.token], ['Owner', known.owner],
    ['Attempt', known.attempt > 1 ? known.attempt + ': an earlier one failed or broke off' : ''],
  ]));
  const waits = (view ? view.waiting : []).filter(other => other.lock && other.lock === known.lock || other.run && other.run === known.run);
  const past = view && known.job ? view.events.filter(event => event.job === known.job) : [];
  put($('detail-more'), () => [
    ...waits.length ? [el('h3', {}, 'Waiting for it'), el('ul', {}, ...waits.map(other =>
      el('li', {}, other.worker + ', ' + other.job)))] : [],
    ...past.length ? [el('h3', {}, 'Lately skipped or lost of this job'), el('ul', {}, ...past.slice(0, 5).map(event =>
      el('li', {}, instant(event.at) + ' ', badge(event), ' ' + event.reason))),
    el('button', { type: 'button', onclick: () => jobEvents(known.job) }, 'All of them')] : [],
  ], waits.map(other => other.worker + other.job), past, known.owner);
  if (anew) {
    act('Take the lease away', keyOf(known),
      'Only if ' + known.worker + ' is gone for good. A run that is alive notices at its next renewal, and works until then beside whoever gets '
      + 'the key. With a ledger, its late commit is refused all the same.',
      [['Take the lease away', 'danger', form => ask('release', {
        ...form, lock: known.lock || '', run: known.run || '', owner: known.owner, token: known.token,
      }).then(answer => 'Taken away: ' + answer.released)]]);
    // What the store has shortened names no key.
    const key = { lock: known.family || known.lock || '', run: known.run || '' };
    $('act-other').hidden = !session.mayChange || /~[0-9a-f]{40}$/.test(keyOf(key));
    text($('act-other'), 'Pause ' + keyOf(key) + ' instead');
    $('act-other').onclick = () => pauseForm(key);
  }
}

const CENTURY = 90 * 365 * 86400 * 1000;
const untilResumed = pause => pause.left > CENTURY ? 'somebody resumes it' : 'for another ' + span(pause.left);

function pauseForm(key) {
  const name = keyOf(key);
  act('Pause the key', name,
    'Nobody is admitted until somebody resumes it, in the whole fleet: runs are refused as PAUSED. A run that holds the key goes on.',
    [['Pause the key', 'danger', form => ask('pause', { ...form, lock: key.lock || '', run: key.run || '' })
      .then(answer => 'Paused: ' + answer.paused)]]);
}

/** A key that nobody need hold. */
function pauseKey(key) {
  open = null;
  dialog(keyOf(key));
  $('detail-more').replaceChildren();
  delete $('detail-more').dataset.said;
  $('detail-facts').replaceChildren(facts([['Lock key', key.lock], ['Run key', key.run]]));
  pauseForm(key);
}

function paused(pause) {
  pauseKey(pause);
  $('detail-facts').replaceChildren(facts([
    ['Paused by', pause.actor], ['Reason', pause.reason], ['Since', instant(pause.since) + ', ' + span(now() - pause.since) + ' ago'],
    ['Until', untilResumed(pause)], ['Lock key', pause.lock], ['Run key', pause.run]]));
  act('Resume the key', keyOf(pause), 'Runs are admitted again. Those that wait for the key notice within some seconds.',
    [['Resume the key', 'primary', form => ask('resume', { ...form, lock: pause.lock, run: pause.run })
      .then(answer => 'Resumed: ' + answer.resumed)]]);
}

function occurrence(entry) {
  open = null;
  dialog(entry.run || entry.lock);
  $('detail-more').replaceChildren();
  delete $('detail-more').dataset.said;
  $('detail-facts').replaceChildren(facts([
    ['State', entry.state.toLowerCase()], ['Worker', entry.worker], ['Started', instant(entry.started)],
    ['Finished', entry.finished ? instant(entry.finished) : ''], ['Alive until', entry.state === 'RUNNING' ? instant(entry.deadline) : ''],
    ['Lock key', entry.lock], ['Run key', entry.run], ['Fencing token', entry.token], ['Owner', entry.owner], ['Attempt', String(entry.attempt)],
  ]));
  if (entry.state !== 'ABANDONED') {
    $('act').hidden = true;
    $('act-other').hidden = true;
    $('act-none').hidden = true;
    return;
  }
  const resolve = (state, done, left = '') => form => ask('resolve', {
    ...form, lock: entry.lock, run: entry.run, token: entry.token, state,
  }).then(() => done + (entry.run || entry.lock) + left);
  // The ledger only permits it: whoever keeps the job has to offer it once more.
  const offered = '. Left to do: let its scheduler offer it again; in JobRunr requeue the job, in Quartz trigger it.';
  act('Decide what became of it', entry.run || entry.lock,
    'Find out first what the run has done before it broke off: if it has done its work, running it again does it twice. '
    + 'To let it run again only permits that: its scheduler then has to offer it once more.',
    [['Mark as done', 'primary', resolve('DONE', 'Marked as done: ')], ['Let it run again', 'danger', resolve('RELEASED', 'May run again: ', offered)]]);
}

function act(title, key, warning, choices) {
  const form = $('act');
  $('act-other').hidden = true;
  form.hidden = !session.mayChange;
  $('act-none').hidden = session.mayChange;
  text($('act-none'), session.needsLogin ? 'Log in to change something here.' : 'Read-only: no credential is configured.');
  form.reset();
  $('act-actor').value = localStorage.getItem('hapax-actor') || '';
  text($('act-title'), title);
  text($('act-warning'), warning);
  text($('act-key'), key);
  text($('act-error'), '');
  // Enter in a field must not choose between two deeds: no button submits.
  const buttons = choices.map(([name, kind, perform]) => el('button', { type: 'button', class: kind, onclick: () => carryOut(key, perform) }, name));
  $('act-buttons').replaceChildren(...buttons);
  form.onsubmit = event => {
    event.preventDefault();
    if (choices.length === 1) carryOut(key, choices[0][2]);
  };
}

async function carryOut(key, perform) {
  const buttons = [...$('act-buttons').children];
  if (!$('act').reportValidity()) return;
  if ($('act-confirm').value !== key) {
    text($('act-error'), 'That is not the key.');
    return;
  }
  localStorage.setItem('hapax-actor', $('act-actor').value.trim());
  for (const button of buttons) button.disabled = true;
  try {
    const done = await perform({ actor: $('act-actor').value, reason: $('act-reason').value, confirm: key });
    if ($('act-buttons').contains(buttons[0])) $('detail').close();
    say(done);
    if (tab === 'search') $('search-form').requestSubmit();
  } catch (e) {
    text($('act-error'), e.message);
    if (e.status === 401) begin();
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

let silence;
function say(what) {
  text($('done'), what);
  clearTimeout(silence);
  silence = setTimeout(() => text($('done'), ''), 8000);
}

// Tabs, keys, theme

function choose(name, focus) {
  tab = name;
  for (const [each] of TABS) {
    const chosen = each === name;
    $('tab-' + each).setAttribute('aria-selected', String(chosen));
    $('tab-' + each).tabIndex = chosen ? 0 : -1;
    $('panel-' + each).hidden = !chosen;
  }
  if (location.hash !== '#' + name) history.replaceState(null, '', '#' + name);
  if (focus) $('tab-' + name).focus();
  if (name === 'audit' && session.mayRead) audit();
  panel();
}

function start() {
  $('tabs').append(...TABS.map(([name, title]) => el('button', {
    type: 'button', role: 'tab', id: 'tab-' + name, 'aria-controls': 'panel-' + name, onclick: () => choose(name, false),
  }, title, el('span', { class: 'n', hidden: '' }))));
  $('tabs').addEventListener('keydown', event => {
    const index = TABS.findIndex(([name]) => name === tab);
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      choose(TABS[(next + TABS.length) % TABS.length][0], true);
    }
  });
  const wanted = location.hash.slice(1);
  choose(TABS.some(([name]) => name === wanted) ? wanted : 'work', false);
  addEventListener('hashchange', () => {
    const name = location.hash.slice(1);
    if (TABS.some(([each]) => each === name)) choose(name, false);
  });
  for (const id of ['work-text', 'work-worker', 'work-age', 'work-order', 'events-text', 'events-what']) $(id).addEventListener('input', panel);
  for (const form of document.querySelectorAll('.filters')) form.addEventListener('submit', event => event.preventDefault());
  $('search-form').addEventListener('submit', search);
  $('detail').addEventListener('close', () => { open = null; });
  document.addEventListener('keydown', event => {
    const typing = event.target.matches('input, select, textarea') || document.querySelector('dialog[open]');
    if (event.key === '/' && !typing) {
      event.preventDefault();
      const field = { events: 'events-text', search: 'search-text' }[tab] || 'work-text';
      if (field === 'work-text') choose('work', false);
      $(field).focus();
    }
  });

  $('theme').value = localStorage.getItem('hapax-theme') || '';
  const theme = () => {
    const value = $('theme').value;
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem('hapax-theme', value);
  };
  theme();
  $('theme').addEventListener('input', theme);

  $('log-in').addEventListener('click', () => $('login').showModal());
  $('log-out').addEventListener('click', async () => {
    try {
      await ask('logout', {});
    } catch { /* the session was over */ }
    location.reload();
  });
  $('login-form').addEventListener('submit', async event => {
    event.preventDefault();
    try {
      await ask('login', { credential: $('credential').value });
      $('credential').value = '';
      text($('login-error'), '');
      $('login').close();
      begin();
    } catch (e) {
      text($('login-error'), e.message);
    }
  });
  setInterval(() => {
    if (!view) return;
    const silent = Date.now() - seenAt;
    if (silent > 12000) cut('nothing heard for ' + span(silent));
    if (tab === 'work') {
      const at = now();
      for (const row of rows.values()) if (row.visible) tick(row, at);
    }
  }, 1000);
  begin();
}

start();
