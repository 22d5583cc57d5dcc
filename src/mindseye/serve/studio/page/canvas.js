// Paints on a picture, pixel by pixel of the picture itself. `props.value` is {picture, mask}: data URIs; the mask is a
// PNG of the picture's size, transparent where it was painted.
const stage = element.querySelector('.paint');
const below = stage.querySelector('.paint-picture');
const above = stage.querySelector('.paint-mask');
const share = stage.querySelector('.paint-share');
const undo = stage.querySelector('[data-tool="undo"]');
let painted = new Uint8Array(0); // a byte a pixel: 1 where it is to be drawn anew
let cursor = null; // of the keyboard, in pixels of the picture
let value = 1; // what the brush leaves
let last = null;
let earlier = []; // what was painted before each change, the newest last
const MOST_EARLIER = 50;

const brush = () => Math.max(1, Math.round(Number(stage.querySelector('.paint-size').value) * above.width / 48));

const show = () => {
  const pen = above.getContext('2d');
  const pixels = pen.createImageData(above.width, above.height);
  painted.forEach((is, at) => { if (is) pixels.data.set([226, 62, 110, 170], 4 * at); });
  pen.putImageData(pixels, 0, 0);
  if (cursor) {
    pen.fillStyle = 'rgba(79, 91, 213, 0.6)';
    pen.fillRect(...corner(cursor), brush(), brush());
  }
  undo.setAttribute('aria-disabled', String(!earlier.length)); // one that is disabled would lose the focus
  const anew = painted.reduce((sum, is) => sum + is, 0);
  share.textContent = anew
    ? `${anew} of ${painted.length} pixels, ${Math.max(1, Math.round(100 * anew / painted.length))}% of the picture, are drawn anew`
    : 'Paint over what is to be drawn anew.';
};
const corner = ([x, y]) => [x - Math.floor(brush() / 2), y - Math.floor(brush() / 2)];
const dab = point => {
  const [left, top] = corner(point);
  for (let y = Math.max(0, top); y < Math.min(above.height, top + brush()); y++)
    for (let x = Math.max(0, left); x < Math.min(above.width, left + brush()); x++) painted[y * above.width + x] = value;
};
const stroke = (from, to) => {
  const steps = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1);
  for (let step = 0; step <= steps; step++) dab([0, 1].map(axis => Math.round(from[axis] + (to[axis] - from[axis]) * step / steps)));
};
const tell = () => { // the mask, for whoever asks next
  const file = document.createElement('canvas');
  [file.width, file.height] = [above.width, above.height];
  const pen = file.getContext('2d');
  const pixels = pen.createImageData(file.width, file.height);
  painted.forEach((is, at) => { pixels.data[4 * at + 3] = is ? 0 : 255; });
  pen.putImageData(pixels, 0, 0);
  props.value = { picture: props.value.picture, mask: painted.some(Boolean) ? file.toDataURL('image/png') : '' };
};
const keep = () => { earlier = [...earlier.slice(1 - MOST_EARLIER), painted.slice()]; };
const takeBack = () => {
  if (last || !earlier.length) return; // not within a stroke
  painted = earlier.pop();
  tell();
  show();
};
const at = event => {
  const box = above.getBoundingClientRect();
  return [(event.clientX - box.left) * above.width / box.width, (event.clientY - box.top) * above.height / box.height].map(Math.floor);
};

above.addEventListener('pointerdown', event => {
  if (!painted.length) return;
  above.setPointerCapture(event.pointerId);
  cursor = null;
  last = at(event);
  keep();
  dab(last);
  show();
});
above.addEventListener('pointermove', event => {
  if (!last) return;
  const here = at(event);
  stroke(last, here);
  last = here;
  show();
});
above.addEventListener('pointerup', () => { if (last) { last = null; tell(); } });
above.addEventListener('pointercancel', () => { if (last) { last = null; tell(); } });
above.addEventListener('keydown', event => {
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!painted.length || !(move || event.key === ' ' || event.key === 'Backspace')) return;
  event.preventDefault();
  cursor ||= [above.width >> 1, above.height >> 1];
  if (move) {
    const step = event.shiftKey ? brush() : 1;
    cursor = [0, 1].map(axis => Math.min(Math.max(cursor[axis] + step * move[axis], 0), [above.width, above.height][axis] - 1));
  } else {
    keep();
    const before = value;
    value = event.key === ' ' ? 1 : 0;
    dab(cursor);
    value = before;
    tell();
  }
  show();
});
stage.addEventListener('keydown', event => {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== 'z') return;
  event.preventDefault();
  takeBack();
});
above.addEventListener('blur', () => { cursor = null; show(); });
stage.querySelector('.paint-tools').addEventListener('click', event => {
  const tool = event.target.dataset.tool;
  if (!tool || !painted.length) return;
  if (tool === 'undo') { takeBack(); return; }
  if (tool === 'paint' || tool === 'erase') {
    value = tool === 'paint' ? 1 : 0;
    stage.querySelectorAll('[aria-pressed]').forEach(each => each.setAttribute('aria-pressed', String(each.dataset.tool === tool)));
    return;
  }
  keep();
  painted = painted.map((is, place) => ({ clear: 0, invert: 1 - is, lower: Number(place >= painted.length / 2) })[tool]);
  tell();
  show();
});

const open = () => {
  const source = props.value && props.value.picture;
  stage.classList.toggle('empty', !source);
  painted = new Uint8Array(0);
  earlier = [];
  if (!source) { share.textContent = ''; return; }
  const image = new Image();
  image.onload = () => {
    for (const each of [below, above]) [each.width, each.height] = [image.naturalWidth, image.naturalHeight];
    below.getContext('2d').drawImage(image, 0, 0);
    painted = new Uint8Array(above.width * above.height);
    show();
  };
  image.src = source;
};
let opened = null;
const perhaps = () => { // the mask comes back with the value, too
  const source = props.value && props.value.picture;
  if (source !== opened) { opened = source; open(); }
};
watch('value', perhaps);
perhaps();
