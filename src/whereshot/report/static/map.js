// A world map on a canvas (Mercator): borders, panning, zooming with wheel, keys and buttons. It asks for no network.
// A page gives the canvas, the borders and what else to paint; it gets the view, and ways to move it.
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const element = (tag, text, name) => { const made = document.createElement(tag); if (text !== undefined) made.textContent = text; if (name) made.className = name; return made; };
const mercator = lat => Math.log(Math.tan(Math.PI / 4 + Math.max(-85.05, Math.min(85.05, lat)) * Math.PI / 360)) * 180 / Math.PI;
const unmercator = y => Math.atan(Math.sinh(y * Math.PI / 180)) * 180 / Math.PI;
// a ring comes as whole parts of a degree (``unit`` of them in one), each point as the step from the one before
function unpack(flat, unit) { let x = 0, y = 0; const points = new Float64Array(flat.length); let box = [1e9, 1e9, -1e9, -1e9];
  for (let i = 0; i < flat.length; i += 2) { x += flat[i]; y += flat[i + 1]; const px = x / unit, py = mercator(y / unit); points[i] = px; points[i + 1] = py;
    box = [Math.min(box[0], px), Math.min(box[1], py), Math.max(box[2], px), Math.max(box[3], py)]; }
  return { points, box }; }
// a block of the fine map: its rings of land, and its lines; what runs along the edge of the block is no coast
function unpackBlock({ box: [west, south, east, north], land, ...lines }, unit) {
  const edges = [west, mercator(south), east, mercator(north)], rings = land.map(flat => unpack(flat, unit)), near = (a, b) => Math.abs(a - b) < 1e-9, coasts = [];
  for (const { points: p } of rings) { let from = 0; for (let i = 2; i <= p.length; i += 2) {
    const along = i < p.length && [0, 1].some(axis => near(p[i + axis], p[i + axis - 2]) && (near(p[i + axis], edges[axis]) || near(p[i + axis], edges[axis + 2])));
    if (along || i === p.length) { if (i - from > 2) coasts.push({ points: p.subarray(from, i) }); from = i; } } }
  return { box: edges, rings, coasts, ...Object.fromEntries(Object.entries(lines).map(([kind, all]) => [kind, all.map(flat => unpack(flat, unit))])) };
}
// ``fine`` are the blocks of the fine map that the page has, in ``unit`` parts of a degree
function worldMap(canvas, borders, paint, moved = () => {}, { blocks = [], unit = 1000 } = {}) {
  const context = canvas.getContext("2d"), rings = borders.map(flat => unpack(flat, 100)), fine = blocks.map(block => unpackBlock(block, unit));
  const map = { canvas, context, view: { x: 0, y: 15, scale: 2 } };
  map.toScreen = (lat, lon) => { let dx = lon - map.view.x; dx -= 360 * Math.round(dx / 360); return [canvas.width / 2 + dx * map.view.scale, canvas.height / 2 - (mercator(lat) - map.view.y) * map.view.scale]; };
  map.toPlane = (x, y) => [map.view.x + (x - canvas.width / 2) / map.view.scale, map.view.y - (y - canvas.height / 2) / map.view.scale];
  map.inSight = ([x0, y0, x1, y1], shift) => { const w = canvas.width / 2 / map.view.scale, h = canvas.height / 2 / map.view.scale;
    return x1 + shift >= map.view.x - w && x0 + shift <= map.view.x + w && y1 >= map.view.y - h && y0 <= map.view.y + h; };
  map.trace = (ring, shift, isClosed = true) => { const p = ring.points, v = map.view;
    for (let i = 0; i < p.length; i += 2) { const x = canvas.width / 2 + (p[i] + shift - v.x) * v.scale, y = canvas.height / 2 - (p[i + 1] - v.y) * v.scale; i ? context.lineTo(x, y) : context.moveTo(x, y); }
    if (isClosed) context.closePath(); };
  map.borders = (fill, line, width) => { context.fillStyle = fill || css("--land"); context.strokeStyle = line; context.lineWidth = width;
    for (const shift of [-360, 0, 360]) for (const ring of rings) { if (!map.inSight(ring.box, shift)) continue;
      context.beginPath(); map.trace(ring, shift); if (fill) context.fill(); context.stroke(); } };
  // land, rivers and borders of the fine map, over the coarse one, where the view is near enough
  map.detail = ratio => { if (map.view.scale / ratio < 30) return;
    const stroke = (lines, shift, colour, width, dashes = []) => { context.strokeStyle = colour; context.lineWidth = width * ratio; context.setLineDash(dashes.map(length => length * ratio)); context.beginPath(); for (const line of lines) map.trace(line, shift, false); context.stroke(); context.setLineDash([]); };
    for (const shift of [-360, 0, 360]) for (const block of fine) { const [west, south, east, north] = block.box; if (!map.inSight(block.box, shift)) continue;
      const [left, top, right, low] = [(west + shift - map.view.x) * map.view.scale + canvas.width / 2, canvas.height / 2 - (north - map.view.y) * map.view.scale, (east + shift - map.view.x) * map.view.scale + canvas.width / 2, canvas.height / 2 - (south - map.view.y) * map.view.scale].map(Math.round);
      context.save(); context.beginPath(); context.rect(left, top, right - left, low - top); context.clip(); context.fillStyle = css("--sea"); context.fillRect(left, top, right - left, low - top);
      context.fillStyle = context.strokeStyle = css("--land"); context.lineWidth = ratio; context.beginPath(); for (const ring of block.rings) map.trace(ring, shift); context.fill("evenodd"); context.stroke();
      stroke(block.rivers, shift, css("--river"), 0.9); stroke(block.regions, shift, css("--line"), 0.6, [3, 3]); stroke(block.coasts, shift, css("--line"), 0.9); stroke(block.borders, shift, css("--line"), 1.3, [6, 3]); context.restore(); } };
  map.draw = () => { const ratio = devicePixelRatio || 1, width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    context.fillStyle = css("--sea"); context.fillRect(0, 0, width, height); map.borders(css("--land"), css("--line"), ratio * 0.7); map.detail(ratio); paint(map, ratio); };
  const bound = () => { const least = Math.max(canvas.clientWidth / 360, canvas.clientHeight / 360) * (devicePixelRatio || 1); map.view.scale = Math.min(Math.max(map.view.scale, least), map.most || 60000);
    map.view.x -= 360 * Math.round(map.view.x / 360); map.view.y = Math.min(Math.max(map.view.y, -170), 170); };
  map.show = (lat, lon, km) => { const degrees = Math.min(170, Math.max(map.least || 0.4, km / 111 * 1.35)); map.view.x = lon; map.view.y = mercator(lat);
    map.view.scale = Math.min(canvas.clientWidth, canvas.clientHeight) * (devicePixelRatio || 1) / 2 / degrees * Math.cos(lat * Math.PI / 180); bound(); map.draw(); };
  // longitudes such that they lie closest together: the widest gap between neighbours is left outside
  const together = lons => { const order = lons.map(lon => lon - 360 * Math.floor(lon / 360)).sort((a, b) => a - b), gaps = order.map((lon, i) => (order[i + 1] ?? order[0] + 360) - lon), widest = gaps.indexOf(Math.max(...gaps)), first = order[(widest + 1) % order.length];
    return lons.map(lon => first + (lon - first) - 360 * Math.floor((lon - first) / 360 + 1e-9)); };
  // show all positions, [latitude, longitude] each, and at least so many km from the middle to the edge
  map.fit = (points, leastKm) => { const xs = together(points.map(([, lon]) => lon)), ys = points.map(([lat]) => mercator(lat));
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)], stretch = 1 / Math.max(0.1, Math.cos(unmercator((low + high) / 2) * Math.PI / 180)), least = leastKm / 111.2 * stretch;
    const ratio = devicePixelRatio || 1, across = Math.max((right - left) / 2 * 1.25, least), up = Math.max((high - low) / 2 * 1.4, least); map.view.x = (left + right) / 2; map.view.y = (low + high) / 2;
    map.view.scale = Math.min(canvas.clientWidth / 2 / across, canvas.clientHeight / 2 / up) * ratio; bound(); map.draw(); };
  // write a text with an edge in the colour of the page; return the box that it takes
  map.label = (text, x, y, ratio, colour, align, weight = "") => { context.font = `${weight} ${12 * ratio}px system-ui, sans-serif`; context.textAlign = align; context.textBaseline = "middle"; context.lineJoin = "round";
    const width = context.measureText(text).width, left = align === "center" ? x - width / 2 : x; context.lineWidth = 3 * ratio; context.strokeStyle = css("--panel"); context.strokeText(text, x, y); context.fillStyle = colour; context.fillText(text, x, y);
    return [left - 4 * ratio, y - 9 * ratio, left + width + 4 * ratio, y + 9 * ratio]; };
  // the boxes of what stands over the map, where no name is read
  const covered = ratio => { const { left, top } = canvas.getBoundingClientRect(); return [...canvas.parentElement.querySelectorAll(".buttons > *, .legend")].map(one => one.getBoundingClientRect()).filter(box => box.width).map(box => [(box.left - left) * ratio, (box.top - top) * ratio, (box.right - left) * ratio, (box.bottom - top) * ratio]); };
  // names of countries [latitude, longitude, name, size in degrees] and towns [.., population], the largest first, where no other stands
  map.names = ({ countries, towns }, ratio, taken) => { const boxes = [...taken, ...covered(ratio)], { width, height } = canvas, perDegree = map.view.scale / ratio, ink = css("--ink"), soft = css("--soft");
    const free = box => box[0] > 0 && box[2] < width && box[1] > 0 && box[3] < height && !boxes.some(other => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
    const put = (lat, lon, text, isTown) => { const [x, y] = map.toScreen(lat, lon); if (x < 0 || y < 0 || x > width || y > height) return; context.font = `${isTown ? "" : "600"} ${12 * ratio}px system-ui, sans-serif`;
      const wide = context.measureText(text).width, from = isTown ? x + 6 * ratio : x - wide / 2, box = [from - 4 * ratio, y - 9 * ratio, from + wide + 4 * ratio, y + 9 * ratio]; if (!free(box)) return; boxes.push(box);
      if (isTown) { context.fillStyle = ink; context.beginPath(); context.arc(x, y, 2 * ratio, 0, 2 * Math.PI); context.fill(); }
      map.label(text, isTown ? from : x, y, ratio, isTown ? ink : soft, isTown ? "left" : "center", isTown ? "" : "600"); };
    const most = Math.max(12, width * height / (130 * ratio) ** 2), least = perDegree > 150 ? 0 : perDegree > 60 ? 2e4 : perDegree > 20 ? 2e5 : perDegree > 8 ? 1e6 : 5e6;
    for (const [lat, lon, text, size] of countries) if (size * perDegree > text.length * 5) put(lat, lon, text, false);
    for (const [lat, lon, text, people] of towns) { if (boxes.length > most) break; if (people >= least) put(lat, lon, text, true); } };
  // draw a bar with its length; return the box that it takes
  map.scaleBar = ratio => { const kmPerPixel = 111.2 * Math.cos(unmercator(map.view.y) * Math.PI / 180) / map.view.scale, most = 110 * ratio * kmPerPixel, power = 10 ** Math.floor(Math.log10(most)), km = power * [5, 2, 1].find(part => part * power <= most), wide = km / kmPerPixel, x = canvas.width - 14 * ratio - wide, y = canvas.height - 14 * ratio;
    context.strokeStyle = css("--ink"); context.lineWidth = 1.6 * ratio; context.beginPath(); context.moveTo(x, y - 4 * ratio); context.lineTo(x, y); context.lineTo(x + wide, y); context.lineTo(x + wide, y - 4 * ratio); context.stroke();
    const box = map.label(km < 1 ? `${Math.round(1000 * km)} m` : `${km.toLocaleString("en")} km`, x + wide / 2, y - 12 * ratio, ratio, css("--ink"), "center"); return [Math.min(box[0], x), box[1], canvas.width, canvas.height]; };
  map.world = () => { map.view.x = 0; map.view.y = 15; map.view.scale = 0; bound(); map.draw(); };
  map.zoom = (factor, x = canvas.width / 2, y = canvas.height / 2) => { const [lon, my] = map.toPlane(x, y); map.view.scale *= factor; bound();
    map.view.x = lon - (x - canvas.width / 2) / map.view.scale; map.view.y = my + (y - canvas.height / 2) / map.view.scale; bound(); map.draw(); };
  document.getElementById("in").onclick = () => map.zoom(1.8); document.getElementById("out").onclick = () => map.zoom(1 / 1.8);
  document.getElementById("world").onclick = map.world;
  canvas.addEventListener("wheel", e => { e.preventDefault(); const r = canvas.getBoundingClientRect(), k = devicePixelRatio || 1; map.zoom(Math.exp(-e.deltaY / 400), (e.clientX - r.left) * k, (e.clientY - r.top) * k); }, { passive: false });
  let held = null, pressed = null; const touches = new Map();
  const spread = () => { const [a, b] = [...touches.values()]; return { apart: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 }; };
  canvas.addEventListener("pointerdown", e => { held = pressed = [e.clientX, e.clientY]; touches.set(e.pointerId, held); canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointermove", e => { if (!held) return; const k = devicePixelRatio || 1;
    if (touches.size === 2) { const before = spread(), r = canvas.getBoundingClientRect(); touches.set(e.pointerId, [e.clientX, e.clientY]); const now = spread(); pressed = null;
      if (before.apart > 0) map.zoom(now.apart / before.apart, (now.x - r.left) * k, (now.y - r.top) * k); return; }
    touches.set(e.pointerId, [e.clientX, e.clientY]); map.view.x -= (e.clientX - held[0]) * k / map.view.scale; map.view.y += (e.clientY - held[1]) * k / map.view.scale; held = [e.clientX, e.clientY]; bound(); map.draw(); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, e => { touches.delete(e.pointerId); held = [...touches.values()][0] || null; if (end !== "pointerup" || !map.tapped || !pressed || Math.hypot(e.clientX - pressed[0], e.clientY - pressed[1]) > 5) return;
    const r = canvas.getBoundingClientRect(), k = devicePixelRatio || 1; map.tapped((e.clientX - r.left) * k, (e.clientY - r.top) * k); });
  canvas.addEventListener("keydown", e => { const step = 60 / map.view.scale; const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (moves[e.key]) { map.view.x += moves[e.key][0]; map.view.y += moves[e.key][1]; bound(); map.draw(); e.preventDefault(); moved(map); }
    else if (e.key === "+" || e.key === "-") { map.zoom(e.key === "+" ? 1.8 : 1 / 1.8); moved(map); } });
  addEventListener("resize", () => { bound(); map.draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", map.draw);
  matchMedia("print").addEventListener("change", map.draw);
  return map;
}
