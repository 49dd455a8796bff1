"""What a map does: dots to hover, tap or walk over by keys, zoom, colours. It loads nothing."""

__all__ = ["MAP_SCRIPT", "MAP_STYLE"]

MAP_STYLE = """
.map { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 1rem; margin-top: .6rem }
canvas { width: 100%; height: min(75vh, 50rem); display: block; background: var(--panel);
  border: 1px solid var(--line); border-radius: .5rem; touch-action: none; cursor: crosshair }
canvas:focus-visible { outline: 3px solid var(--focus) }
.side img { width: 100%; max-height: 17rem; object-fit: contain; display: block;
  background: var(--panel); border-radius: .5rem; min-height: 8rem }
.side b { display: block; overflow-wrap: anywhere; margin-top: .4rem }
.side p { margin: .1rem 0 .8rem; color: var(--soft); font-size: .85rem }
.legend { display: flex; flex-wrap: wrap; gap: .35rem; margin: .4rem 0 }
.legend button { padding: .25rem .6rem; font-size: .83rem; display: flex; gap: .4rem;
  align-items: center; max-width: 100%; overflow-wrap: anywhere; text-align: left }
.legend button[aria-pressed=true] { border-color: var(--focus); outline: 1px solid var(--focus) }
.legend i { width: .8rem; height: .8rem; border-radius: 50%; flex: none }
.zoom { display: flex; gap: .4rem; margin: .5rem 0 }
@media (max-width: 40rem) { .map { grid-template-columns: minmax(0, 1fr) }
  .legend { flex-wrap: nowrap; overflow-x: auto; padding-bottom: .3rem }
  .legend button { flex: none } canvas { height: 50vh }
  .side img { max-height: 11rem; min-height: 11rem } }
"""

MAP_SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const canvas = $('canvas'), context = canvas.getContext('2d');
const count = data.names.length;
let view = {x: 0, y: 0, zoom: 1}, current = -1, only = null, width = 0, height = 0;

const dark = matchMedia('(prefers-color-scheme: dark)');
const colour = group => group < 0 ? 'hsl(0 0% 55%)'
  : `hsl(${(group * 137.5 + 210) % 360} 65% ${dark.matches ? 65 : 42}%)`;
const scale = () => Math.min(width, height) * 0.46 * view.zoom;
const placed = i => [width / 2 + (data.x[i] - view.x) * scale(),
                     height / 2 - (data.y[i] - view.y) * scale()];
const visible = i => only === null || data.groups[i] === only;

function draw() {
  const ratio = devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  width = box.width; height = box.height;
  canvas.width = width * ratio; canvas.height = height * ratio;
  context.scale(ratio, ratio);
  const radius = count > 3000 ? 2.2 : count > 500 ? 3.5 : 5;
  for (const pass of [false, true])
    for (let i = 0; i < count; i++) {
      if (visible(i) !== pass) continue;
      const [x, y] = placed(i);
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      context.globalAlpha = pass ? .85 : .1;
      context.fillStyle = colour(data.groups[i]);
      context.beginPath(); context.arc(x, y, radius, 0, 7); context.fill();
    }
  context.globalAlpha = 1;
  if (current >= 0) {
    const [x, y] = placed(current);
    context.strokeStyle = getComputedStyle(document.body).color; context.lineWidth = 2.5;
    context.beginPath(); context.arc(x, y, radius + 4, 0, 7); context.stroke();
  }
}

function show(i) {
  if (i < 0 || i === current) return;
  current = i;
  const picture = data.pictures[i];
  $('picture').hidden = !picture;
  if (picture) $('picture').src = 'data:image/jpeg;base64,' + picture;
  $('picture').alt = data.names[i];
  $('name').textContent = data.names[i];
  $('group').textContent = data.groups[i] < 0 ? '' : data.labels[data.groups[i]];
  draw();
}

function nearest(x, y, most) {
  let best = -1, least = most * most;
  for (let i = 0; i < count; i++) {
    if (!visible(i)) continue;
    const [a, b] = placed(i), far = (a - x) ** 2 + (b - y) ** 2;
    if (far < least) { least = far; best = i; }
  }
  return best;
}

function walk(dx, dy) {
  if (current < 0) return show(nearest(width / 2, height / 2, 1e9));
  const [x, y] = placed(current);
  let best = -1, least = 1e18;
  for (let i = 0; i < count; i++) {
    if (i === current || !visible(i)) continue;
    const [a, b] = placed(i), along = (a - x) * dx + (b - y) * dy;
    const aside = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
    if (along <= 0 || aside > along) continue;
    const far = along * along + 4 * aside * aside;
    if (far < least) { least = far; best = i; }
  }
  show(best);
}

function zoom(factor, x = width / 2, y = height / 2) {
  const before = scale(), px = (x - width / 2) / before, py = (height / 2 - y) / before;
  const next = Math.min(200, Math.max(1, view.zoom * factor)), real = next / view.zoom;
  view = {x: view.x + px * (1 - 1 / real), y: view.y + py * (1 - 1 / real), zoom: next};
  if (next === 1) view = {x: 0, y: 0, zoom: 1};
  draw();
}

const pointers = new Map();
let moved = 0;
const at = event => { const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top]; };
canvas.addEventListener('pointerdown', event => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, at(event));
  moved = 0; });
canvas.addEventListener('pointermove', event => {
  const now = at(event), last = pointers.get(event.pointerId);
  if (!last) return show(nearest(...now, 14));
  if (pointers.size === 2) {
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    const span = p => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    zoom(span(now) / span(last), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  } else {
    moved += Math.hypot(now[0] - last[0], now[1] - last[1]);
    if (moved > 4) {
      view.x -= (now[0] - last[0]) / scale(); view.y += (now[1] - last[1]) / scale(); draw(); }
  }
  pointers.set(event.pointerId, now);
});
for (const name of ['pointerup', 'pointercancel'])
  canvas.addEventListener(name, event => {
    pointers.delete(event.pointerId);
    if (name === 'pointerup' && moved <= 4) show(nearest(...at(event), 28)); });
canvas.addEventListener('wheel', event => {
  event.preventDefault(); zoom(Math.exp(-event.deltaY / 400), ...at(event)); }, {passive: false});
canvas.addEventListener('keydown', event => {
  const step = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  if (step[event.key]) { event.preventDefault(); walk(...step[event.key]); }
  else if (event.key === '+' || event.key === '=') zoom(1.4);
  else if (event.key === '-') zoom(1 / 1.4);
  else if (event.key === '0') zoom(0);
});
$('in').addEventListener('click', () => zoom(1.4));
$('out').addEventListener('click', () => zoom(1 / 1.4));
$('whole').addEventListener('click', () => zoom(0));

data.labels.forEach((label, group) => {
  const button = document.createElement('button'), dot = document.createElement('i');
  dot.style.background = colour(group);
  button.append(dot, `${label} (${data.sizes[group]})`);
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', () => {
    only = only === group ? null : group;
    for (const [i, one] of [...$('legend').children].entries())
      one.setAttribute('aria-pressed', String(i === only));
    draw();
  });
  $('legend').append(button);
});
addEventListener('resize', draw);
dark.addEventListener('change', draw);
draw();
show(nearest(width / 2, height / 2, 1e9));
"""
