// Reads a device's label: by the camera where the phone gives it, else from a photo. Without this, the number is typed.
const $ = (id) => document.getElementById(id);
const LOOK_MS = 150;
const SIDE = 1600; // pixels a photo is shrunk to: a label fills enough of it
const place = $('find');
let stream = null;
let reader = null;

// The browser's own reader knows bar codes too (an IMEI is often one); where there is none, ours is fetched when needed.
async function detector() {
  const known = await self.BarcodeDetector?.getSupportedFormats().catch(() => []) ?? [];
  if (known.includes('qr_code')) return new self.BarcodeDetector();
  const { BarcodeDetector } = await import('./vendor/qr/decode.js');
  return new BarcodeDetector();
}

async function read(source) {
  reader ??= detector();
  const codes = await (await reader).detect(source);
  return codes[0]?.rawValue ?? '';
}

function said(words) {
  $('scan-said').textContent = words;
  $('scan-said').hidden = !words;
}

function found(code) {
  stop();
  $('code').value = code.trim().slice(0, 200);
  $('find-form').requestSubmit();
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  $('camera').hidden = true;
  $('scan').hidden = false;
}

async function look() {
  if (!stream) return;
  const view = $('view');
  const code = view.videoWidth ? await read(view).catch(() => '') : ''; // a frame that cannot be read: the next one
  if (code && stream) found(code);
  else setTimeout(look, LOOK_MS);
}

async function scan() {
  said('');
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } });
    $('view').srcObject = stream;
    $('camera').hidden = false;
    $('scan').hidden = true;
    await $('view').play();
    look();
  } catch {
    stop();
    said(place.dataset.refused);
  }
}

async function photo() {
  const [file] = $('photo').files;
  if (!file) return;
  said('');
  try {
    const whole = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(whole.width, whole.height));
    const size = { resizeWidth: Math.round(whole.width * scale), resizeHeight: Math.round(whole.height * scale) };
    const code = await read(scale < 1 ? await createImageBitmap(whole, size) : whole);
    if (code) { found(code); return; }
  } catch { /* no picture: the same words */ }
  said(place.dataset.none);
}

if (navigator.mediaDevices?.getUserMedia) $('scan').hidden = false;
$('photo-way').hidden = false;
$('scan').addEventListener('click', scan);
$('scan-stop').addEventListener('click', stop);
$('photo').addEventListener('change', photo);
