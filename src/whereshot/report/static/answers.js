// The answers of several photos: an overview with a filter, and one photo at a time with its map. One photo: only itself.
const SURE = "sure", FAILED = "failed", WIDE_KM = 5000, LEAST_KM = 100;
const page = Object.fromEntries(["title", "steps", "back", "number", "before", "after", "filters", "remark", "credits", "status", "tiles", "answer", "legend"].map(id => [id, document.getElementById(id)]));
const photos = data.photos, several = photos.length > 1, nameOf = photo => photo.id.split(/[\\/]/).pop();
let current = null, state = "all";
const shown = () => photos.map((_, index) => index).filter(index => state === "all" || photos[index].state === state);

// a text as an element; what is quoted or written in another script than Latin has its own direction and language
const script = Object.keys(data.tags).map(name => `\\p{Script=${name}}`).join(""), run = new RegExp(`(?<=")[^"]*[${script}][^"]*(?=")|[${script}](?:[^\\p{Script=Latin}"]*[${script}])?\\p{M}*`, "gu");
const tagOf = text => Object.entries(data.tags).find(([name]) => new RegExp(`\\p{Script=${name}}`, "u").test(text))[1];
function written(tag, plain, name) {
  const text = plain.replace(/(\d) (?=%|k?m\b)/g, "$1\u00a0"); // no line ends between a number and its unit
  const made = element(tag, undefined, name); let end = 0;
  for (const piece of text.matchAll(run)) { const inner = element("bdi", piece[0]); inner.lang = tagOf(piece[0]); made.append(text.slice(end, piece.index), inner); end = piece.index + piece[0].length; }
  made.append(text.slice(end)); return made;
}

// ---- the map
function circlePoints(lat, lon, km) {
  const out = [], a = km / data.earth_km, la = lat * Math.PI / 180;
  for (let b = 0; b <= 360; b += 3) { const t = b * Math.PI / 180, s = Math.sin(la) * Math.cos(a) + Math.cos(la) * Math.sin(a) * Math.cos(t);
    out.push([Math.asin(Math.max(-1, Math.min(1, s))) * 180 / Math.PI, lon + Math.atan2(Math.sin(t) * Math.sin(a) * Math.cos(la), Math.cos(a) - Math.sin(la) * s) * 180 / Math.PI]); }
  return out;
}
function pin(map, lat, lon, colour, filled) {
  const context = map.context, [x, y] = map.toScreen(lat, lon), r = 7 * devicePixelRatio; context.beginPath();
  context.arc(x, y - 1.9 * r, r, 0.85 * Math.PI, 0.15 * Math.PI); context.lineTo(x, y); context.closePath();
  context.fillStyle = filled ? colour : css("--panel"); context.fill(); context.lineWidth = 2 * devicePixelRatio; context.strokeStyle = filled ? css("--panel") : colour; context.stroke();
  return [x - r, y - 3 * r, x + r, y];
}
function line(map, points, colour, width, dashes) {
  const { context, canvas } = map; context.strokeStyle = colour; context.setLineDash(dashes); context.lineWidth = width; context.beginPath(); let last = null;
  for (const [lat, lon] of points) { const [x, y] = map.toScreen(lat, lon); last !== null && Math.abs(x - last) < canvas.width / 2 ? context.lineTo(x, y) : context.moveTo(x, y); last = x; }
  context.stroke(); context.setLineDash([]);
}
// probability per area, on a grid of small squares: the masses of overlapping places add up
function paintPlaces(map, places, ratio) {
  const { context, canvas: { width, height } } = map, square = 3 * ratio, columns = Math.ceil(width / square), rows = Math.ceil(height / square), density = new Float32Array(columns * rows);
  for (const [lat, lon, mass, spread] of places) {
    const [x, y] = map.toScreen(lat, lon), reach = spread / data.earth_km * 180 / Math.PI / Math.max(0.1, Math.cos(lat * Math.PI / 180)) * map.view.scale;
    // a place with much of the probability is large enough to be seen in every view
    const radius = Math.max(reach, (3 + 9 * Math.sqrt(mass)) * ratio) / square, most = Math.min(radius * 1.8, columns + rows), column = x / square - 0.5, row = y / square - 0.5, share = mass / (radius * radius);
    for (let j = Math.max(0, Math.ceil(row - most)); j <= Math.min(rows - 1, row + most); j++)
      for (let i = Math.max(0, Math.ceil(column - most)); i <= Math.min(columns - 1, column + most); i++) { const far = ((i - column) ** 2 + (j - row) ** 2) / (radius * radius); if (far < 3.24) density[j * columns + i] += share * Math.exp(-1.5 * far); }
  }
  let most = 0; for (const one of density) if (one > most) most = one; if (!most) return;
  const sheet = document.createElement("canvas"); sheet.width = columns; sheet.height = rows; const paint = sheet.getContext("2d"), image = paint.createImageData(columns, rows); context.fillStyle = css("--hot");
  const hot = [1, 3, 5].map(at => parseInt(context.fillStyle.slice(at, at + 2), 16));
  density.forEach((one, at) => { image.data.set([...hot, one / most < 1e-4 ? 0 : 215 * (one / most) ** 0.28], 4 * at); });
  paint.putImageData(image, 0, 0); context.imageSmoothingEnabled = true; context.drawImage(sheet, 0, 0, columns * square, rows * square);
}
function paintAll(map, ratio) {
  const { context } = map;
  for (const index of shown()) { const photo = photos[index]; if (photo.state === FAILED) continue;
    const [x, y] = map.toScreen(photo.latitude, photo.longitude); context.beginPath(); context.arc(x, y, 5.5 * ratio, 0, 2 * Math.PI); context.lineWidth = 2 * ratio;
    context.fillStyle = photo.state === SURE ? css("--pin") : css("--panel"); context.fill(); context.strokeStyle = photo.state === SURE ? css("--panel") : css("--pin"); context.stroke(); }
}
function paint(map, ratio) {
  if (current === null) { paintAll(map, ratio); map.names(data.names, ratio, [map.scaleBar(ratio)]); return; }
  const photo = photos[current]; if (photo.state === FAILED) { map.names(data.names, ratio, [map.scaleBar(ratio)]); return; }
  paintPlaces(map, data.places[photo.places], ratio);
  if (photo.radius_km < 9000) line(map, circlePoints(photo.latitude, photo.longitude, photo.radius_km), css("--pin"), 1.6 * ratio, [6 * ratio, 4 * ratio]);
  const taken = [map.scaleBar(ratio)];
  if (photo.recorded) {
    line(map, photo.way, css("--known"), 1.6 * ratio, [2 * ratio, 4 * ratio]);
    const [lat, lon] = photo.way[photo.way.length >> 1], [x, y] = map.toScreen(lat, lon); taken.push(map.label(photo.apart, x, y - 10 * ratio, ratio, css("--known"), "center"));
    taken.push(pin(map, photo.recorded.latitude, photo.recorded.longitude, css("--known"), false));
  }
  taken.push(pin(map, photo.latitude, photo.longitude, css("--pin"), photo.state === SURE));
  map.names(data.names, ratio, taken);
}
const map = worldMap(document.getElementById("map"), data.borders, paint, undefined, data.fine);
function fit() {
  const some = current === null ? shown().map(index => photos[index]) : [photos[current]], points = [];
  for (const photo of some) { if (photo.state === FAILED) continue;
    if (current !== null && photo.radius_km > WIDE_KM) return map.world();
    points.push([photo.latitude, photo.longitude]);
    if (current !== null) points.push(...circlePoints(photo.latitude, photo.longitude, photo.radius_km), ...(photo.recorded ? photo.way : [])); }
  if (points.length) map.fit(points, current === null ? 5 * LEAST_KM : LEAST_KM); else map.world();
}

// ---- the overview
function legend(parts) { page.legend.replaceChildren(); for (const [colour, filled, text] of parts) {
  if (colour) { const key = element("span", undefined, "key"); key.style.borderColor = `var(${colour})`; if (filled) key.style.background = `var(${colour})`; page.legend.append(key); }
  page.legend.append(text); } page.legend.hidden = !parts.length; }
photos.forEach((photo, index) => {
  const item = element("li"), tile = element("button", undefined, `tile ${photo.state}`), picture = photo.thumbnail ? new Image() : element("span", "no picture", "none");
  if (photo.thumbnail) { picture.src = photo.thumbnail; picture.alt = ""; picture.decoding = "async"; }
  tile.append(picture, element("span", nameOf(photo), "name"), written("span", photo.state === FAILED ? photo.reason : photo.short, "state"));
  if (photo.apart) tile.append(element("span", `${photo.apart} from the recorded position`, "name apart"));
  tile.title = photo.id; tile.onclick = () => open(index); item.append(tile); page.tiles.append(item);
});
function choose(filter) {
  state = filter; const kept = new Set(shown());
  [...page.filters.children].forEach(button => button.setAttribute("aria-pressed", String(button.dataset.state === filter)));
  [...page.tiles.children].forEach((item, index) => { item.hidden = !kept.has(index); });
  page.status.textContent = `${kept.size} of ${photos.length} photos`; fit();
}
for (const [key, [label, meaning]] of Object.entries(data.states)) {
  const count = key === "all" ? photos.length : photos.filter(photo => photo.state === key).length, button = element("button", `${label} ${count}`);
  button.dataset.state = key; button.title = meaning; button.disabled = count === 0; button.onclick = () => choose(key); page.filters.append(button);
}
function overview() {
  const last = current; current = null; page.answer.replaceChildren(); page.tiles.hidden = page.filters.hidden = false; page.remark.hidden = !data.remark; page.steps.hidden = true;
  document.getElementById("fit").hidden = false; document.getElementById("fit").textContent = "Answers"; page.title.textContent = `Where were these ${photos.length} photos taken?`; document.title = `whereshot: ${photos.length} photos`;
  legend([["--pin", true, data.states.sure[0]], ["--pin", false, data.states.unsure[0]]]); choose(state);
  if (last !== null) { const tile = page.tiles.children[last]; tile.scrollIntoView({ block: "center" }); tile.firstChild.focus({ preventScroll: true }); }
}

// ---- one photo
function bars(rows) {
  const table = element("table", undefined, "sureness");
  for (const [name, share, part] of rows) { const row = element("tr"), bar = element("span", undefined, "bar"), fill = element("span"), cell = element("td"); fill.style.width = `${100 * part}%`; bar.append(fill); cell.append(bar); row.append(element("td", name), cell, element("td", share)); table.append(row); }
  return table;
}
function candidates(photo) {
  const table = element("table");
  for (const place of photo.candidates) { const row = element("tr", undefined, "candidate"), go = () => map.show(place.latitude, place.longitude, LEAST_KM); row.tabIndex = 0; row.append(element("td", place.label), element("td", place.share));
    row.onclick = go; row.onkeydown = event => { if (event.key === "Enter") go(); }; table.append(row); }
  return table;
}
function framed(photo) {
  const frame = element("div", undefined, "frame"), image = new Image(); image.src = photo.thumbnail; image.alt = "The photo"; frame.append(image);
  for (const [x, y, w, h, label] of photo.boxes || []) { const mark = element("span", undefined, "mark"); mark.title = label; Object.assign(mark.style, { left: x * 100 + "%", top: y * 100 + "%", width: w * 100 + "%", height: h * 100 + "%" }); frame.append(mark); }
  return frame;
}
function describe(photo) {
  const box = page.answer; box.replaceChildren();
  if (several) { const name = element("p", nameOf(photo), "soft"); name.title = photo.id; box.append(name); }
  if (photo.thumbnail) box.append(framed(photo));
  if (photo.state === FAILED) { box.append(element("h2", photo.title), written("p", photo.reason, "note")); return legend([]); }
  box.append(written("h2", photo.title)); if (photo.rest) box.append(written("p", photo.rest)); box.append(written("p", photo.position));
  if (photo.camera) box.append(written("p", photo.camera));
  box.append(element("h3", "How sure"), bars(photo.within), element("p", photo.circle, "soft"));
  if (photo.why.length) { box.append(element("h3", "Why")); for (const text of photo.why) box.append(written("p", text)); }
  if (photo.candidates.length) box.append(element("h3", "Likely places"), candidates(photo), element("p", data.near, "soft"));
  if (photo.countries.length > 1) box.append(element("h3", "Countries"), bars(photo.countries));
  legend([["--pin", photo.state === SURE, "answer"], ...(photo.recorded ? [["--known", false, data.recorded]] : []), ...(photo.radius_km < 9000 ? [[null, false, ` \u00a0dashed: ${photo.circle}`]] : [])]);
}
function show(index) {
  current = index; const photo = photos[index], order = shown(), at = order.indexOf(index);
  page.tiles.hidden = page.filters.hidden = true; page.remark.hidden = !(data.remark && photo.only_prior); page.steps.hidden = !several; document.getElementById("fit").textContent = "Answer"; page.title.textContent = "Where was it taken?"; document.title = `whereshot: ${nameOf(photo)}`;
  document.getElementById("fit").hidden = photo.state === FAILED;
  page.number.textContent = `${at + 1} of ${order.length}`; page.before.disabled = at <= 0; page.after.disabled = at >= order.length - 1;
  describe(photo); page.status.textContent = `${nameOf(photo)}: ${photo.title}`; document.querySelector("aside").scrollTop = 0; fit();
}
function step(by) { const order = shown(), next = order[order.indexOf(current) + by]; if (next !== undefined) open(next, true); }

// ---- the address remembers the photo, so that the browser goes back to the overview
function route() {
  const index = Number(location.hash.slice(1)) - 1; if (!several) return show(0);
  if (!photos[index]) return overview();
  if (!shown().includes(index)) choose("all");
  show(index);
}
function open(index, instead) { const address = index === null ? "#" : `#${index + 1}`; if (instead) location.replace(address); else location.hash = address; }
page.back.onclick = () => open(null); page.before.onclick = () => step(-1); page.after.onclick = () => step(1);
document.getElementById("fit").onclick = fit; addEventListener("hashchange", route);
addEventListener("keydown", event => {
  if (!several || event.target === map.canvas || event.altKey || event.ctrlKey || event.metaKey) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (current !== null) { if (by) { step(by); event.preventDefault(); } else if (event.key === "Escape") open(null); return; }
  if (!by) return; const order = shown(), at = order.indexOf([...page.tiles.children].indexOf(document.activeElement.closest("li"))), next = order[at + by];
  if (next !== undefined) { page.tiles.children[next].firstChild.focus(); event.preventDefault(); }
});
map.tapped = (x, y) => {
  if (current !== null) return; const near = shown().filter(index => photos[index].state !== FAILED).map(index => [Math.hypot(...map.toScreen(photos[index].latitude, photos[index].longitude).map((at, axis) => at - [x, y][axis])), index]).sort((a, b) => a[0] - b[0])[0];
  if (near && near[0] < 16 * devicePixelRatio) open(near[1]);
};
page.remark.textContent = data.remark || ""; page.credits.textContent = data.credits;
if (photos.length) route(); else map.world();
