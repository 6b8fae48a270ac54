import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where a running mesh listens, for `npm run dev`. */
const mesh = process.env.GRAINMESH_URL ?? 'http://127.0.0.1:8080';
const paths = ['/twirp', '/events', '/tams', '/origin', '/login', '/logout'];

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: Object.fromEntries(paths.map((p) => [p, { target: mesh }])) },
  // public/.keep makes sure that the folder that Go embeds is never empty.
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 850 },
});
