// Reads a device's label: by the camera where the phone gives it, else from a photo. Without this, the number is typed.
(() => {
  'use strict';
  const $ = (id) => document.getElementById(id);
  const LOOK_MS = 200;
  const SIDE = 1000; // pixels a photo is shrunk to: a label fills enough of it
  const place = $('find');
  const able = 'BarcodeDetector' in self;
  let stream = null;

  function said(words) {
    $('scan-said').textContent = words;
    $('scan-said').hidden = !words;
  }

  function found(code) {
    stop();
    $('code').value = code.trim().slice(0, 200);
    $('find-form').requestSubmit();
  }

  function drawn(source, width, height) {
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  }

  async function read(source, width, height) {
    if (able) {
      const codes = await new BarcodeDetector().detect(source).catch(() => []); // bar codes too: an IMEI is often one
      if (codes.length) return codes[0].rawValue;
    }
    const pixels = drawn(source, width, height);
    return self.jsQR?.(pixels.data, pixels.width, pixels.height)?.data || '';
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
    const code = view.videoWidth ? await read(view, view.videoWidth, view.videoHeight) : '';
    if (code && stream) found(code);
    else setTimeout(look, LOOK_MS);
  }

  async function scan() {
    said('');
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      $('view').srcObject = stream;
      await $('view').play();
      $('camera').hidden = false;
      $('scan').hidden = true;
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
      const picture = await createImageBitmap(file);
      const code = await read(picture, picture.width, picture.height);
      if (code) { found(code); return; }
    } catch { /* no picture: the same words */ }
    said(place.dataset.none);
  }

  if (navigator.mediaDevices?.getUserMedia) $('scan').hidden = false;
  $('photo-way').hidden = false;
  $('scan').addEventListener('click', scan);
  $('scan-stop').addEventListener('click', stop);
  $('photo').addEventListener('change', photo);
})();
