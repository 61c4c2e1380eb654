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
function worldMap(canvas, borders, paint, moved = () => {}) {
  const context = canvas.getContext("2d"), rings = borders.map(flat => unpack(flat, 100));
  const map = { canvas, context, view: { x: 0, y: 15, scale: 2 } };
  map.toScreen = (lat, lon) => { let dx = lon - map.view.x; dx -= 360 * Math.round(dx / 360); return [canvas.width / 2 + dx * map.view.scale, canvas.height / 2 - (mercator(lat) - map.view.y) * map.view.scale]; };
  map.toPlane = (x, y) => [map.view.x + (x - canvas.width / 2) / map.view.scale, map.view.y - (y - canvas.height / 2) / map.view.scale];
  map.inSight = ([x0, y0, x1, y1], shift) => { const w = canvas.width / 2 / map.view.scale, h = canvas.height / 2 / map.view.scale;
    return x1 + shift >= map.view.x - w && x0 + shift <= map.view.x + w && y1 >= map.view.y - h && y0 <= map.view.y + h; };
  map.trace = (ring, shift) => { const p = ring.points, v = map.view;
    for (let i = 0; i < p.length; i += 2) { const x = canvas.width / 2 + (p[i] + shift - v.x) * v.scale, y = canvas.height / 2 - (p[i + 1] - v.y) * v.scale; i ? context.lineTo(x, y) : context.moveTo(x, y); }
    context.closePath(); };
  map.borders = (fill, line, width) => { context.fillStyle = fill || css("--land"); context.strokeStyle = line; context.lineWidth = width;
    for (const shift of [-360, 0, 360]) for (const ring of rings) { if (!map.inSight(ring.box, shift)) continue;
      context.beginPath(); map.trace(ring, shift); if (fill) context.fill(); context.stroke(); } };
  map.draw = () => { const ratio = devicePixelRatio || 1, width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    context.fillStyle = css("--sea"); context.fillRect(0, 0, width, height); map.borders(css("--land"), css("--line"), ratio * 0.7); paint(map, ratio); };
  const bound = () => { const least = Math.max(canvas.clientWidth / 360, canvas.clientHeight / 360) * (devicePixelRatio || 1); map.view.scale = Math.min(Math.max(map.view.scale, least), map.most || 60000);
    map.view.x -= 360 * Math.round(map.view.x / 360); map.view.y = Math.min(Math.max(map.view.y, -170), 170); };
  map.show = (lat, lon, km) => { const degrees = Math.min(170, Math.max(map.least || 0.4, km / 111 * 1.35)); map.view.x = lon; map.view.y = mercator(lat);
    map.view.scale = Math.min(canvas.clientWidth, canvas.clientHeight) * (devicePixelRatio || 1) / 2 / degrees * Math.cos(lat * Math.PI / 180); bound(); map.draw(); };
  map.world = () => { map.view.x = 0; map.view.y = 15; map.view.scale = 0; bound(); map.draw(); };
  map.zoom = (factor, x = canvas.width / 2, y = canvas.height / 2) => { const [lon, my] = map.toPlane(x, y); map.view.scale *= factor; bound();
    map.view.x = lon - (x - canvas.width / 2) / map.view.scale; map.view.y = my + (y - canvas.height / 2) / map.view.scale; bound(); map.draw(); };
  document.getElementById("in").onclick = () => map.zoom(1.8); document.getElementById("out").onclick = () => map.zoom(1 / 1.8);
  document.getElementById("world").onclick = map.world;
  canvas.addEventListener("wheel", e => { e.preventDefault(); const r = canvas.getBoundingClientRect(), k = devicePixelRatio || 1; map.zoom(Math.exp(-e.deltaY / 400), (e.clientX - r.left) * k, (e.clientY - r.top) * k); }, { passive: false });
  let held = null;
  canvas.addEventListener("pointerdown", e => { held = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointermove", e => { if (!held) return; const k = devicePixelRatio || 1; map.view.x -= (e.clientX - held[0]) * k / map.view.scale; map.view.y += (e.clientY - held[1]) * k / map.view.scale; held = [e.clientX, e.clientY]; bound(); map.draw(); });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("keydown", e => { const step = 60 / map.view.scale; const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (moves[e.key]) { map.view.x += moves[e.key][0]; map.view.y += moves[e.key][1]; bound(); map.draw(); e.preventDefault(); moved(map); }
    else if (e.key === "+" || e.key === "-") { map.zoom(e.key === "+" ? 1.8 : 1 / 1.8); moved(map); } });
  addEventListener("resize", () => { bound(); map.draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", map.draw);
  return map;
}
