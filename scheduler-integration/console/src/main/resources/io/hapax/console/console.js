// The console's page: shows what the stream says, and asks for what operators want to know or do. Texts of others are never
// put in as markup.

const $ = id => document.getElementById(id);
const VERDICTS = {
  DONE: 'this occurrence is over: it has completed, or failed',
  RUNNING: 'this occurrence is running elsewhere',
  OVERLAP: 'another occurrence holds the lock key',
  THROTTLED: 'the rate limit is reached',
  PAUSED: 'somebody has paused the key',
  QUEUED: 'the same work is queued or running already',
  ABANDONED: 'a run crashed, and an operator has to decide',
  UNAVAILABLE: 'Redis or the ledger could not answer',
  NOT_RENEWED: 'no renewal was confirmed in time',
  GONE: 'somebody took the lease, or Redis ended it',
  SUPERSEDED: 'the ledger has given the occurrence to another run',
  MAX_HOLD: 'it ran for longer than maxHold',
  CANCELLED: 'a later run was to take its place',
  NOT_BEGUN: 'the ledger did not confirm the start, so it did not start',
  SHUTDOWN: 'the application was stopped',
};
const WHAT = {
  refused: ['Skipped', 'warn'], later: ['Tried again later', ''], lost: ['Lost', 'bad'], again: ['Second attempt', 'warn'],
  unguarded: ['Unguarded', 'bad'], would: ['Would have skipped', 'warn'], twice: ['Ran twice', 'bad'],
  forced: ['Taken away', 'bad'], resolved: ['Resolved', 'good'],
};
const TABS = [
  ['work', 'Running'], ['jobs', 'Jobs'], ['waiting', 'Waiting'], ['events', 'Skipped and lost'], ['abandoned', 'Needs decision'], ['search', 'Search'],
  ['health', 'Health'], ['audit', 'Audit'],
];
const MOST_ROWS = 2000;
/** So many times the usual duration is marked. */
const LONG = 3;
/** What became of an occurrence: its name, the class of its colour, the letter of its mark. */
const ENDS = {
  ran: ['Ran', 'ran'], failed: ['Failed', 'failed'], lost: ['Lost', 'lost'], skipped: ['Skipped', 'skipped'],
  again: ['Tried again later', 'again'], unguarded: ['Unguarded', 'lost'], unconfirmed: ['Unconfirmed', 'failed'], ended: ['Ended without a result', 'again'],
};
const LETTERS = { r: 'ran', f: 'failed', l: 'lost', s: 'skipped', a: 'again', u: 'ended' };

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
let job = null;
let page = null;

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
const aged = at => el('span', { 'data-since': at }, span(now() - at));
const jobLink = name => el('a', { class: 'name', href: '#/job/' + encodeURIComponent(name) }, name);
const summaryOf = name => view && view.jobs.find(one => one.job === name);
/** How many times as long as usual something has run; 0 if that is not much, or if nobody knows. */
function times(ms, usual) {
  return usual > 0 && ms > LONG * usual && ms > 10000 ? Math.floor(ms / usual) : 0;
}

/** Why a run was refused or lost, from fields: by one clock, without tokens. */
function reason(event) {
  const { held, why } = event;
  if (!held) return event.reason || VERDICTS[why] || '';
  const since = held.since ? ', since ' + instant(held.since) : '';
  if (why === 'DONE') {
    const by = held.worker + (held.since ? ' at ' + instant(held.since) : '');
    // The verdict is the same; only the text of the guard distinguishes them.
    return (event.reason || '').startsWith('noted as failed') ? 'failed on ' + by + ', and is not tried again' : 'completed by ' + by;
  }
  if (why === 'ABANDONED') return 'crashed on ' + held.worker + since;
  return (why === 'RUNNING' ? 'run by ' : 'held by ') + held.worker + (held.since ? ' for ' + span(event.at - held.since) : '') + since;
}

/** What support asks for, and nobody else. */
function more(event) {
  const list = [['Key', event.keys], ['Run key', event.run], ['Owner', event.owner], ['Fencing token', event.token],
    ['Holder', event.held && event.held.worker], ['Holder’s run', event.held && event.held.run],
    ['Holder’s owner', event.held && event.held.owner], ['Holder’s token in Redis', event.held && event.held.token],
    ['Message', event.held ? event.reason : '']].filter(([, value]) => value);
  return list.length ? el('details', {}, el('summary', {}, 'details'), facts(list)) : '';
}

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
    for (const state of ['running', 'done', 'failed', 'failed_for_good', 'released', 'lost', 'abandoned']) {
      $('search-in').append(el('option', { value: state }, '… that are ' + state.replaceAll('_', ' ')));
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
  view = change.fleet;
  seenAt = Date.now();
  skew = view.now - Date.now();
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
    jobs: [view.jobs.some(one => one.overdue) ? view.jobs.filter(one => one.overdue).length + ' late' : view.jobs.length || '', view.jobs.some(one => one.overdue)],
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
  if (open && $('detail').open) detail(open, false);
}

function notices() {
  const all = view.warnings.map(warning => ['', warning]);
  for (const server of view.servers) if (!server.up) all.push(['bad', server.detail.includes(server.server) ? server.detail : 'Redis at ' + server.server + ': ' + server.detail]);
  if (session.ledger && !view.ledger.up) all.push(['bad', 'ledger: ' + view.ledger.detail]);
  for (const one of view.gone) {
    all.push(['', 'worker ' + one.name + ' has not reported since ' + instant(one.heard) + ': stopped, dead, or cut off'
      + (one.active ? '. It held ' + count(one.active, 'run', 'runs') : '')]);
  }
  const list = $('notices');
  const said = JSON.stringify(all);
  if (list.dataset.said === said) return;
  list.dataset.said = said;
  list.replaceChildren(...all.map(([kind, what]) => el('li', { class: kind }, what)));
}

function charts() {
  const kinds = [['runs', 'Runs started'], ['refused', 'Skipped'], ['lost', 'Lost']];
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
  if (tab === 'jobs') jobs();
  if (tab === 'job') jobPage();
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
  text($('work-count'), active === 0 ? ''
    : count(found.length, 'run', 'runs') + ' of ' + active + (shown.length < found.length ? ', the first ' + MOST_ROWS + ' of them here' : '')
      + (runs.size < active ? '; of each worker at most 1000 are listed' : '') + '.');
  $('work').hidden = active === 0;
  put($('work-empty'), () => active ? [] : el('div', { class: 'empty' }, el('strong', {}, 'Nothing is running.'),
    el('p', {}, view.workers.length ? 'A run appears here within a second of its start, on whichever worker it is. What ran before is under '
      : 'No worker reports. A worker does once its guard has a console as a listener, and the console is started. What ran before is under ',
    el('a', { href: '#jobs' }, 'Jobs'), '.')), active === 0, view.workers.length === 0);
  silent();
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
    const isNew = !row.run;
    row.run = run;
    if (row.visible || isNew) tick(row, at);
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
      el('div', {}, jobLink(run.job),
        el('button', { type: 'button', class: 'name key', 'aria-label': 'Run of ' + run.job + ', ' + keys(run), onclick: () => detail(row.run, true) }, keys(run)))),
    el('td', { label: 'Worker', role: 'cell' }, el('div', {}, run.worker, el('small', { class: 'thread' }))),
    el('td', { label: 'Since', role: 'cell' }, el('div', {}, el('span', { class: 'age' }), el('span', { class: 'badge warn long', hidden: '' }), el('small', {}, instant(run.since)))),
    el('td', { label: 'Lease left', role: 'cell' }, el('div', {}, el('span', { class: 'ttl' }), el('meter', { class: 'left', min: '0' }))),
    el('td', { label: 'Token', role: 'cell' }, el('div', {}, run.token, el('small', {}, run.attempt > 1 ? 'attempt ' + run.attempt : ''))));
  row.parts = ['thread', 'age', 'ttl', 'left', 'long'].map(name => row.querySelector('.' + name));
  return row;
}

function tick(row, at) {
  const [thread, age, ttl, meter, long] = row.parts;
  const { run } = row;
  const left = run.until - at;
  text(thread, run.thread || 'has left its code');
  text(age, span(at - run.since));
  const usual = summaryOf(run.job);
  const much = usual ? times(at - run.since, usual.took) : 0;
  long.hidden = !much;
  if (much) text(long, much + ' × usual');
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
      [jobLink(run.job), el('small', { class: 'key' }, keys(run))], run.worker, span(run.waited), run.reason]),
    'No run waits for its key. A run waits if its job says onConflict = WAIT, or is put back and tried again (RESCHEDULE, BUFFER_ONE).'), view.waiting);
}

const isNotable = event => event.what !== 'refused' || event.why !== 'RUNNING' && event.why !== 'DONE';

const badge = event => {
  const [name, kind] = WHAT[event.what] || [event.what, ''];
  return el('span', { class: 'badge ' + kind }, name, event.folded > 1 ? el('span', { class: 'times' }, '× ' + event.folded) : '');
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
  put($('events'), () => table('Skipped and lost', ['When', 'What', 'Job and keys', 'Why', 'Worker'], folded(found).map(eventCells),
    'Nothing was skipped or lost, as far as the living workers remember. A run is skipped when another one holds its key, has done its work already, '
    + 'or when the key is paused.'), found);
}

/** Equal reasons are one line, at the time of the last one. */
function folded(list) {
  const lines = new Map();
  for (const event of list) {
    const name = JSON.stringify([event.what, event.why, event.job, event.held ? event.held.owner : event.reason]);
    const line = lines.get(name);
    if (line) {
      line.folded++;
      line.first = event.at;
      if (!line.workers.includes(event.worker)) line.workers.push(event.worker);
    } else lines.set(name, { ...event, folded: 1, first: event.at, workers: [event.worker] });
  }
  return [...lines.values()];
}

function eventCells(event) {
  return [
    [el('span', { class: 'time' }, instant(event.at)), event.folded > 1 ? el('small', {}, 'first ' + instant(event.first)) : ''],
    [badge(event), el('small', {}, VERDICTS[event.why] || event.why)],
    [jobLink(event.job), el('small', { class: 'key' }, event.keys)],
    [reason(event), more(event)],
    el('span', { class: 'time' }, event.workers.join(', ')),
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
    el('p', { class: 'hint' }, 'A run of a job with afterCrash = ABANDON crashed. Nobody runs its occurrence again until an operator has found out what it '
      + 'did, and decides.'),
    session.ledger ? occurrences(view.abandoned, 'Nothing needs a decision.')
      : el('p', { class: 'empty' }, 'Without a ledger nothing is ever abandoned.')], view.abandoned, session.mayChange);
}

function occurrences(entries, empty) {
  return table('Occurrences', ['Job or key', 'State', 'Worker', 'Started', 'Attempt', 'Token'], entries.map(entry => [
    [entry.job ? jobLink(entry.job) : '',
      el('button', { type: 'button', class: 'name key', onclick: () => occurrence(entry) }, entry.run || entry.lock),
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
    table('Workers', ['Worker', 'State', 'Running', 'Settings'], [
      ...view.workers.map(worker => [worker.name, el('span', { class: 'badge good' }, 'reports'), String(worker.active), worker.settings]),
      ...view.gone.map(one => [one.name, el('span', { class: 'badge warn' }, 'silent since ' + instant(one.heard)), one.active ? 'held ' + one.active : '–', '–'])],
    'No worker reports.')], view.servers.map(server => ({ ...server, latencyMicros: Math.round(server.latencyMicros / 1000) })),
  view.ledger.up, view.ledger.detail, Math.round(view.ledger.latencyMicros / 1000), view.workers, view.gone);
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

/** A run that is running, or a lease that was found in Redis. */
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
      : known.until === 0 ? 'lost: the run was notified, and may still be ending'
        : span(left) + ' left unless it is renewed' + (known.ttl ? ' (ttl ' + span(known.ttl) + ')' : '')],
    ['Lock key', known.lock], ['Run key', known.run], ['Fencing token', known.token], ['Owner', known.owner],
    ['Attempt', known.attempt > 1 ? known.attempt + ': an earlier one failed or crashed' : ''],
  ]));
  const waits = (view ? view.waiting : []).filter(other => other.lock && other.lock === known.lock || other.run && other.run === known.run);
  const past = view && known.job ? view.events.filter(event => event.job === known.job) : [];
  put($('detail-more'), () => [
    ...waits.length ? [el('h3', {}, 'Waiting for it'), el('ul', {}, ...waits.map(other =>
      el('li', {}, other.worker + ', ' + other.job)))] : [],
    ...past.length ? [el('h3', {}, 'Lately skipped or lost of this job'), el('ul', {}, ...folded(past).slice(0, 5).map(event =>
      el('li', {}, instant(event.at) + ' ', badge(event), ' ' + reason(event)))),
    el('button', { type: 'button', onclick: () => jobEvents(known.job) }, 'All of them')] : [],
    ...known.job ? [el('p', {}, el('a', { href: '#/job/' + encodeURIComponent(known.job), onclick: () => $('detail').close() }, 'Page of job ' + known.job))] : [],
  ], waits.map(other => other.worker + other.job), past, known.owner);
  if (anew) {
    act('Take the lease away', keyOf(known),
      'Only if ' + known.worker + ' is gone for good. A run that is alive notices at its next renewal, and runs until then at the same time as the next holder of '
      + 'the key. With a ledger, its late commit is refused.',
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
  // The ledger only permits it: the job's scheduler has to fire it once more.
  const offered = '. Next step: let its scheduler fire it again; in JobRunr requeue the job, in Quartz trigger it.';
  act('Decide what became of it', entry.run || entry.lock,
    'Find out first what the run has done before it crashed: if it has done its work, running it again does it twice. '
    + 'To let it run again only permits that: its scheduler then has to fire it once more.',
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

// Jobs

function silent() {
  put($('work-gone'), () => view.gone.filter(one => one.active).map(one => [
    el('h2', {}, 'Worker ' + one.name + ' is silent since ' + instant(one.heard) + ', and held'),
    table('Held by silent worker ' + one.name, ['Job', 'Key', 'Since', 'Lease'], one.runs.map(run => [
      jobLink(run.job), el('span', { class: 'key' }, keys(run)), instant(run.since),
      run.until ? 'ends at ' + instant(run.until) + ' unless it is renewed; then its key is free' : 'was lost'])
    , 'nothing that its last report listed'),
    one.runs.length < one.active ? el('p', { class: 'hint' }, 'The first ' + one.runs.length + ' of ' + one.active + '.') : ''].filter(Boolean)).flat(), view.gone);
}

function mini(strip) {
  return svg('svg', { class: 'mini', viewBox: '0 0 120 12', role: 'img', 'aria-label': 'Last occurrences: ' + said(strip) },
    ...[...strip].map((letter, n) => svg('rect', { class: LETTERS[letter], x: n * 4, y: 0, width: 3, height: 12 })));
}

function said(strip) {
  const counts = {};
  for (const letter of strip) counts[letter] = (counts[letter] || 0) + 1;
  return Object.entries(counts).map(([letter, n]) => n + ' ' + ENDS[LETTERS[letter]][0].toLowerCase()).join(', ') || 'none';
}

function jobs() {
  const wanted = $('jobs-text').value.trim().toLowerCase();
  const running = {};
  for (const run of runs.values()) running[run.job] = (running[run.job] || 0) + 1;
  const known = view.jobs.map(one => one.job);
  const others = Object.keys(running).filter(name => !known.includes(name)).map(name => ({ job: name, success: 0, every: 0, took: 0, strip: '' }));
  const found = [...view.jobs, ...others].filter(one => contains([one.job], wanted))
    .sort((a, b) => Boolean(b.overdue) - Boolean(a.overdue) || a.job.localeCompare(b.job));
  text($('jobs-count'), found.length ? count(found.length, 'job', 'jobs') + '.' : '');
  put($('jobs'), () => found.length ? table('Jobs', ['Job', 'Last occurrences', 'Last success', 'Usually', 'Running'], found.map(one => [
    [jobLink(one.job), one.overdue ? el('span', { class: 'badge bad long' }, 'late') : ''], mini(one.strip),
    one.success ? [aged(one.success), ' ago'] : 'not known', usually(one), running[one.job] ? String(running[one.job]) : '–']), '')
    : el('div', { class: 'empty' }, el('strong', {}, wanted ? 'No job has such a name.' : 'No worker has seen a job yet.'),
      el('p', {}, 'A job appears here when a run of it starts, ends, or is skipped on a worker that is alive. Workers remember the last hundred occurrences of each job.'))
  , found, running);
}

const usually = one => [one.every && 'every ' + round(one.every), one.took > 1 && 'takes ' + short(one.took)].filter(Boolean).join(', ') || 'too few runs to tell';
const round = ms => short(ms).replace(/ 0 \w+$/, '');
const short = ms => ms < 1000 ? ms + ' ms' : ms < 60000 ? (ms / 1000).toFixed(1) + ' s' : span(ms);

/** Asks for what has changed, if the stream says that something has. */
async function jobPage() {
  const name = job;
  const summary = summaryOf(name);
  const owners = [...runs.values()].filter(run => run.job === name).map(run => run.owner);
  const stamp = JSON.stringify([name, summary ? [summary.total, summary.overdue, summary.success] : 0, owners, view.waiting.filter(run => run.job === name).length]);
  if ($('panel-job').dataset.stamp === stamp) return;
  $('panel-job').dataset.stamp = stamp;
  try {
    const answer = await ask('job?name=' + encodeURIComponent(name));
    if (job === name) drawJob(answer);
  } catch (e) {
    delete $('panel-job').dataset.stamp;
    if (job === name && !page) $('panel-job').replaceChildren(el('p', { class: 'empty' }, e.message));
  }
}

function drawJob(answer) {
  const first = !page || page.summary.job !== answer.summary.job;
  page = answer;
  const { summary, occurrences } = answer;
  const at = $('panel-job').contains(document.activeElement) ? document.activeElement.id : '';
  $('panel-job').replaceChildren(
    el('p', {}, el('a', { href: '#jobs' }, '‹ All jobs')),
    el('h2', { class: 'title', id: 'job-name', tabindex: '-1' }, summary.job),
    summary.overdue ? el('p', { class: 'alarm', role: 'alert' }, 'Nothing has succeeded for ', aged(summary.success),
      summary.next > summary.success + summary.every ? '; its run of ' + instant(summary.next) + ' has not succeeded.' : '; it usually does every ' + round(summary.every) + '.') : '',
    tiles(answer),
    ...held(answer),
    ...occurrences.length ? [el('h2', {}, 'Last ' + count(occurrences.length, 'occurrence', 'occurrences')), strip(occurrences), legend(occurrences),
      ...durations(occurrences, summary), ...skips(occurrences), list(occurrences)]
      : [el('div', { class: 'empty' }, el('strong', {}, 'No worker remembers an occurrence that has ended.'),
        el('p', {}, 'Workers remember the last hundred since they were started. '
          + 'Refusals that each replica but one gets for each firing (RUNNING, DONE) do not count.'))],
    session.ledger ? el('p', {}, el('a', { href: '#search', onclick: () => { $('search-text').value = summary.job; $('search-in').value = 'all'; } },
      'Search the ledger for older occurrences')) : '');
  if (first) $('job-name').focus({ preventScroll: true });
  else if (at && $(at)) $(at).focus({ preventScroll: true });
}

function tile(title, ...content) {
  return el('div', { class: 'tile' }, el('dt', {}, title), el('dd', {}, ...content));
}

function tiles({ summary, running, occurrences }) {
  const last = occurrences.find(one => one.what === 'ran');
  return el('dl', { class: 'tiles' },
    tile('Last success', ...summary.success ? [el('strong', {}, aged(summary.success), ' ago'),
      el('small', {}, instant(summary.success) + (last && last.at + last.took === summary.success ? ', on ' + last.worker : ''))]
      : [el('strong', {}, 'not known'), el('small', {}, 'no worker that is alive has seen one')]),
    tile('Next success', ...summary.next ? [el('strong', {}, instant(summary.next)), el('small', {}, summary.next > now() ? 'is due about then' : 'was due then')]
      : [el('strong', {}, '–'), el('small', {}, 'no schedule is known')]),
    tile('Usually', ...summary.every ? [el('strong', {}, 'every ' + round(summary.every)), el('small', {}, 'takes ' + short(summary.took))]
      : summary.took > 1 ? [el('strong', {}, 'takes ' + short(summary.took)), el('small', {}, 'at no regular interval')]
      : [el('strong', {}, '–'), el('small', {}, 'three successes tell')]),
    tile('Running', el('strong', {}, String(running.length)), el('small', {}, running.length ? 'oldest since ' + instant(running[0].since) : 'nobody holds it')));
}

function held({ running, waiting, summary }) {
  return [
    ...running.length ? [el('h2', {}, 'Who holds it'), table('Runs of the job', ['Worker', 'Since', 'For', 'Key'], running.slice(0, 20).map(run => [
      [run.worker, el('small', {}, run.thread ? 'thread ' + run.thread : '')], instant(run.since),
      [aged(run.since), times(now() - run.since, summary.took) ? el('span', { class: 'badge warn long' }, times(now() - run.since, summary.took) + ' × usual') : ''],
      el('button', { type: 'button', class: 'name key', onclick: () => detail(run, true) }, keys(run))]), ''),
    running.length > 20 ? el('p', { class: 'hint' }, 'The oldest 20 of ' + running.length + '.') : ''] : [],
    ...waiting.length ? [el('h2', {}, 'Waiting'), el('ul', {}, ...waiting.slice(0, 20).map(run => el('li', {}, run.worker + ' for ' + span(run.waited) + ': ' + keys(run))))] : [],
  ];
}

function tells(one) {
  const [name] = ENDS[one.what] || [one.what];
  const parts = [name + (one.count > 1 ? ' ' + one.count + ' times' : ''), instant(one.at)];
  if (one.owner) parts.push(short(one.took));
  parts.push('on ' + one.worker);
  if (one.why) parts.push(reason(one) || one.why);
  if (one.tries) parts.push('refused ' + count(one.tries, 'time', 'times') + ' before');
  return parts.join(', ');
}

/** The oldest on the left. Arrow keys go along it; one stop for Tab. */
function strip(occurrences) {
  const says = el('p', { class: 'says', id: 'strip-says', 'aria-hidden': 'true' }, tells(occurrences[0]));
  const marks = [...occurrences].reverse().map((one, n, all) => el('li', {
    id: 'mark-' + n, class: (ENDS[one.what] || ['', 'ended'])[1], title: tells(one), 'aria-label': tells(one), tabindex: n === all.length - 1 ? '0' : '-1',
    onfocus: () => text(says, tells(one)), onpointerenter: () => text(says, tells(one)),
  }));
  const move = event => {
    const index = marks.indexOf(document.activeElement);
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: marks.length - 1 }[event.key];
    if (next === undefined || !marks[next]) return;
    event.preventDefault();
    for (const mark of marks) mark.tabIndex = mark === marks[next] ? 0 : -1;
    marks[next].focus();
  };
  return el('div', {}, el('ol', { class: 'strip', 'aria-label': 'Occurrences, the newest last; arrow keys go along', onkeydown: move }, ...marks), says);
}

function legend(occurrences) {
  const kinds = new Map();
  for (const one of occurrences) kinds.set(one.what, (kinds.get(one.what) || 0) + Math.max(1, one.count));
  return el('ul', { class: 'legend' }, ...[...kinds].map(([what, n]) => {
    const [name, kind] = ENDS[what] || [what, 'ended'];
    return el('li', {}, el('span', { class: 'swatch ' + kind, 'aria-hidden': 'true' }), name + ' ' + n);
  }));
}

function durations(occurrences, summary) {
  const ran = occurrences.filter(one => one.owner).reverse();
  if (ran.length < 2) return [];
  const wide = 4 * Math.max(50, ran.length);
  const most = Math.max(1, ...ran.map(one => one.took));
  const y = took => 38 - 36 * took / most;
  return [el('figure', { class: 'durations' },
    el('figcaption', {}, 'How long they took', el('strong', {}, 'longest ' + short(most))),
    svg('svg', { viewBox: '0 0 ' + wide + ' 40', preserveAspectRatio: 'none', role: 'img',
      'aria-label': 'Durations of ' + ran.length + ' runs, the newest last: longest ' + short(most) + ', usually ' + short(summary.took) },
    ...ran.map((one, n) => {
      const bar = svg('rect', { class: (ENDS[one.what] || ['', 'ended'])[1], x: n * 4 + 0.4, width: 3.2, y: y(one.took), height: 39 - y(one.took) });
      bar.append(svg('title', {}, tells(one)));
      return bar;
    }),
    summary.took > 1 ? svg('line', { class: 'usual', x1: 0, x2: wide, y1: y(summary.took), y2: y(summary.took), 'vector-effect': 'non-scaling-stroke' }) : ''),
    el('div', { class: 'axis', 'aria-hidden': 'true' }, el('span', {}, instant(ran[0].at)), el('span', {}, summary.took > 1 ? 'dashed: usually ' + short(summary.took) : ''),
      el('span', {}, instant(ran[ran.length - 1].at))))];
}

/** Why they were skipped: equal reasons once. */
function skips(occurrences) {
  const reasons = new Map();
  for (const one of occurrences) {
    if (one.owner && one.what !== 'lost') continue;
    const name = JSON.stringify([one.what, one.why, one.held ? one.held.owner : one.reason]);
    const line = reasons.get(name) || { one, n: 0 };
    line.n += Math.max(1, one.count);
    reasons.set(name, line);
  }
  if (!reasons.size) return [];
  return [el('h2', {}, 'Why some did not run'), el('ul', { id: 'job-why' }, ...[...reasons.values()].slice(0, 10).map(({ one, n }) => el('li', {},
    el('span', { class: 'badge ' + ({ lost: 'bad', unguarded: 'bad', skipped: 'warn' }[one.what] || '') }, (ENDS[one.what] || [one.what])[0],
      n > 1 ? el('span', { class: 'times' }, '× ' + n) : ''),
    ' ' + reason(one), reason(one) === VERDICTS[one.why] ? '' : el('small', {}, VERDICTS[one.why] || one.why))))];
}

function list(occurrences) {
  const all = el('details', { class: 'all', id: 'job-list' }, el('summary', {}, 'All as a list'), table('Occurrences of the job', ['When', 'What', 'Took', 'Worker', 'Why'],
    occurrences.map(one => [
      el('span', { class: 'time' }, instant(one.at)),
      [(ENDS[one.what] || [one.what])[0] + (one.count > 1 ? ' × ' + one.count : ''), one.tries ? el('small', {}, 'refused ' + count(one.tries, 'time', 'times') + ' before') : ''],
      one.owner ? short(one.took) : '–', one.worker, [one.why ? reason(one) : '', more(one)]]), ''));
  all.open = $('job-list') ? $('job-list').open : false;
  return all;
}

/** Shows what the address names; false if it names nothing. */
function route() {
  const hash = location.hash.slice(1);
  if (hash.startsWith('/job/')) {
    let name;
    try {
      name = decodeURIComponent(hash.slice(5));
    } catch {
      return false;
    }
    if (job !== name) {
      job = name;
      page = null;
      delete $('panel-job').dataset.stamp;
      $('panel-job').replaceChildren(el('p', { class: 'hint' }, 'Asking the workers about ' + name + ' …'));
      document.title = name + ' · Hapax';
      choose('job', false);
      scrollTo(0, 0);
    }
    return true;
  }
  const known = TABS.some(([each]) => each === hash);
  if (known) choose(hash, false);
  return known;
}

// Tabs, keys, theme

function choose(name, focus) {
  tab = name;
  for (const [each] of TABS) {
    const chosen = each === name || each === 'jobs' && name === 'job';
    $('tab-' + each).setAttribute('aria-selected', String(chosen));
    $('tab-' + each).tabIndex = chosen ? 0 : -1;
    $('panel-' + each).hidden = each !== name;
  }
  $('panel-job').hidden = name !== 'job';
  $('charts').hidden = name === 'job';
  if (name !== 'job') {
    job = null;
    document.title = 'Hapax';
    if (location.hash !== '#' + name) history.replaceState(null, '', '#' + name);
  }
  if (focus) $('tab-' + name).focus();
  if (name === 'audit' && session.mayRead) audit();
  panel();
}

function start() {
  $('tabs').append(...TABS.map(([name, title]) => el('button', {
    type: 'button', role: 'tab', id: 'tab-' + name, 'aria-controls': 'panel-' + name, onclick: () => choose(name, false),
  }, title, el('span', { class: 'n', hidden: '' }))));
  $('tabs').addEventListener('keydown', event => {
    const index = TABS.findIndex(([name]) => name === (tab === 'job' ? 'jobs' : tab));
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      choose(TABS[(next + TABS.length) % TABS.length][0], true);
    }
  });
  if (!route()) choose('work', false);
  addEventListener('hashchange', route);
  for (const id of ['jobs-text', 'work-text', 'work-worker', 'work-age', 'work-order', 'events-text', 'events-what']) $(id).addEventListener('input', panel);
  for (const form of document.querySelectorAll('.filters')) form.addEventListener('submit', event => event.preventDefault());
  $('search-form').addEventListener('submit', search);
  // The event comes later than the closing: by then the dialog may show another run.
  $('detail').addEventListener('close', () => {
    if (!$('detail').open) open = null;
  });
  document.addEventListener('keydown', event => {
    const typing = event.target.matches('input, select, textarea') || document.querySelector('dialog[open]');
    if (event.key === '/' && !typing) {
      event.preventDefault();
      const field = { events: 'events-text', search: 'search-text', jobs: 'jobs-text' }[tab] || 'work-text';
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
    if (silent > 12000) cut('no data for ' + span(silent));
    for (const element of document.querySelectorAll('[data-since]')) text(element, span(now() - Number(element.dataset.since)));
    if (tab === 'work') {
      const at = now();
      for (const row of rows.values()) if (row.visible) tick(row, at);
    }
  }, 1000);
  begin();
}

start();
