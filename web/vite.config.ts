/** web/ -> src/whereshot/server/static/site/, which the server and `whereshot export --web` hand out as it is. */
import { readFileSync } from "node:fs";
import { marked } from "marked";
import { defineConfig, type Plugin } from "vite";

/** docs/responsible-use.md as a page beside index.html, so that there is one text of it. */
function responsibleUse(): Plugin {
  const source = new URL("../docs/responsible-use.md", import.meta.url);
  const page = (): string => {
    // links go to other documents, which are not part of the site
    const text = readFileSync(source, "utf8").replace(/\[([^\]]+)\]\([^)]+\.md\)/g, "$1");
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Responsible use of whereshot</title>
<link rel="stylesheet" href="./reading.css"></head><body><main>${marked.parse(text, { async: false })}
<p><a href="./">Back to the page</a></p></main></body></html>`;
  };
  return {
    name: "responsible-use",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "responsible-use.html", source: page() });
    },
  };
}

export default defineConfig({
  base: "./",
  // jsx as tsconfig.json says: Preact's
  plugins: [responsibleUse()],
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8000", changeOrigin: false } } },
  build: {
    outDir: "../src/whereshot/server/static/site",
    emptyOutDir: true,
    target: "es2022",
    // the server's Content-Security-Policy allows fonts and scripts from itself only: no data: addresses
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1600,
    rollupOptions: {
      output: {
        // plain file servers know .js and .wasm, not always .mjs
        assetFileNames: (asset) =>
          asset.names[0]?.endsWith(".mjs") ? "assets/[name]-[hash].js" : "assets/[name]-[hash][extname]",
      },
    },
  },
});
