"""What a contact sheet does: keys, marks, a filter, a larger look. It sends and loads nothing."""

__all__ = ["SCRIPT"]

SCRIPT = """
'use strict';
const all = [...document.querySelectorAll('.card')];
const $ = id => document.getElementById(id);
const shown = () => all.filter(card => !card.hidden);
const name = card => card.dataset.path;
let current = null;

function focus(card) {
  if (!card) return;
  if (current) current.tabIndex = -1;
  current = card;
  card.tabIndex = 0;
  card.focus({preventScroll: true});
  card.scrollIntoView({block: 'nearest'});
}

function mark(card) {
  const on = card.classList.toggle('marked');
  const button = card.querySelector('.mark');
  button.setAttribute('aria-pressed', on);
  button.textContent = on ? '\\u2612' : '\\u2610';
  count();
}

function count() {
  const marked = all.filter(card => card.classList.contains('marked')).length;
  $('marked').textContent = marked + ' marked';
  $('paths').disabled = $('none').disabled = !marked;
}

function look(card) {
  const picture = card.querySelector('img');
  $('large').hidden = !picture;
  if (picture) $('large').src = picture.src;
  $('path').textContent = name(card);
  $('told').textContent = card.querySelector('.told').textContent;
  if (!$('look').open) $('look').showModal();
}

function move(from, key) {
  const cards = shown(), at = cards.indexOf(from);
  if (key === 'ArrowRight') return cards[at + 1];
  if (key === 'ArrowLeft') return cards[at - 1];
  if (key === 'Home') return cards[0];
  if (key === 'End') return cards[cards.length - 1];
  const down = key === 'ArrowDown', box = from.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  let best = null, row = null;
  for (const card of down ? cards.slice(at + 1) : cards.slice(0, at).reverse()) {
    const other = card.getBoundingClientRect();
    if (down ? other.top <= box.top + 1 : other.top >= box.top - 1) continue;
    if (row === null) row = other.top;
    if (Math.abs(other.top - row) > 1) break;
    const far = Math.abs(other.left + other.width / 2 - middle);
    if (best === null || far < best.far) best = {card, far};
  }
  return best && best.card;
}

const moves = ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'Home', 'End'];
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches('input, textarea');
  if (event.key === '/' && !typing) { event.preventDefault(); $('filter').focus(); return; }
  if (typing) {
    if (event.key === 'Escape' && event.target === $('filter')) focus(current || shown()[0]);
    return;
  }
  if ($('list').open) return;
  const looking = $('look').open;
  if (moves.includes(event.key)) {
    const next = current ? move(current, event.key) : shown()[0];
    if (next) { event.preventDefault(); focus(next); if (looking) look(next); }
  } else if (event.key === 'x' && current) mark(current);
  else if (event.key === 'Enter' && event.target === current) look(current);
});

document.addEventListener('click', event => {
  const card = event.target.closest('.card');
  if (!card) return;
  focus(card);
  if (event.target.closest('.mark')) mark(card);
  else if (event.target.closest('img')) look(card);
});

$('filter').addEventListener('input', () => {
  const wanted = $('filter').value.toLowerCase();
  for (const card of all) card.hidden = !name(card).toLowerCase().includes(wanted);
  for (const section of document.querySelectorAll('section'))
    section.hidden = !section.querySelector('.card:not([hidden])');
  $('shown').textContent = wanted ? shown().length + ' of ' + all.length + ' pictures' : '';
});

$('none').addEventListener('click', () => {
  for (const card of all) if (card.classList.contains('marked')) mark(card);
});
$('paths').addEventListener('click', () => {
  const marked = all.filter(card => card.classList.contains('marked'));
  $('text').value = marked.map(name).join('\\n') + '\\n';
  $('list').showModal();
  $('text').select();
});
for (const dialog of document.querySelectorAll('dialog'))
  dialog.addEventListener('click', event => {
    if (event.target === dialog || event.target.closest('.close')) dialog.close();
  });
if (all.length) { all[0].tabIndex = 0; current = all[0]; }
count();
"""
