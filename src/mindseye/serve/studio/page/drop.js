// Reads a picture that is dropped, pasted or chosen into the page itself; nothing is uploaded beside it.
const box = element.querySelector('.drop');
const image = box.querySelector('img');
const wrong = box.querySelector('.drop-error');
box.querySelector('.drop-title').textContent = props.label;

const show = () => {
  image.hidden = !props.value;
  image.src = props.value || 'data:,';
  box.classList.toggle('full', Boolean(props.value));
  box.querySelector('.drop-hint').hidden = Boolean(props.value);
  box.querySelector('.drop-clear').hidden = !props.value;
};
const give = value => { wrong.textContent = ''; props.value = value; show(); trigger('given'); };
const take = file => {
  if (!file.type.startsWith('image/')) { wrong.textContent = 'That is no picture.'; return; }
  if (file.size > props.most_bytes) { wrong.textContent = `It is larger than ${props.most_bytes / 2 ** 20} MiB.`; return; }
  const reader = new FileReader();
  reader.onload = () => give(reader.result);
  reader.readAsDataURL(file);
};

box.addEventListener('change', event => { if (event.target.files.length) take(event.target.files[0]); });
box.addEventListener('paste', event => { if (event.clipboardData.files.length) take(event.clipboardData.files[0]); });
box.addEventListener('dragover', event => { event.preventDefault(); box.classList.add('over'); });
box.addEventListener('dragleave', () => box.classList.remove('over'));
box.addEventListener('drop', event => {
  event.preventDefault();
  box.classList.remove('over');
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
});
box.querySelector('.drop-clear').addEventListener('click', () => {
  box.querySelector('input').value = '';
  give('');
});
if (!window.mindseyeDrops) { // a file beside every box: without this the browser would leave the page for it
  window.mindseyeDrops = true;
  for (const kind of ['dragover', 'drop']) document.addEventListener(kind, event => {
    if (event.defaultPrevented || !event.dataTransfer || !event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'none';
  });
}
watch('value', show);
show();
