// Builds the islands and the style sheet into ../static/built with hashed names and a manifest.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../static/built",
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2022",
    modulePreload: false, // its helper would be an inline script: the policy forbids them
    assetsInlineLimit: 0, // no data: URLs, the policy allows only our own files
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      input: [
        "src/app.ts",
        "src/map.ts",
        "src/chart.ts",
        "src/passkey.ts",
        "src/place.ts",
        "src/style.css",
      ],
    },
  },
  worker: { format: "es" },
});
