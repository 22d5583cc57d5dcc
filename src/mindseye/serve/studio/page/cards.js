// A card that is clicked is picked; arrow keys go from card to card.
element.addEventListener('click', event => {
  const card = event.target.closest('[data-index]');
  if (card) trigger('pick', { index: Number(card.dataset.index), act: card.dataset.act || '' });
});
element.addEventListener('keydown', event => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const card = event.target.closest('.card');
  if (!step || !card) return;
  const all = [...element.querySelectorAll('.card')];
  const next = all[all.indexOf(card) + step];
  if (next) { next.focus(); event.preventDefault(); }
});
