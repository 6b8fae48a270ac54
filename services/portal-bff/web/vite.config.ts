import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type PluginOption } from 'vite';

/** Where a running mesh listens, for `npm run dev`. */
const mesh = process.env.GRAINMESH_URL ?? 'http://127.0.0.1:8080';

export default defineConfig(async ({ mode }) => {
  const plugins: PluginOption[] = [react()];
  if (mode === 'mock') {
    const { mockBackend } = await import('./test/mock/plugin');
    plugins.push(mockBackend());
  }
  const paths = ['/twirp', '/events', '/tams', '/origin', '/login'];
  return {
    plugins,
    resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
    server: { proxy: mode === 'mock' ? {} : Object.fromEntries(paths.map((p) => [p, { target: mesh }])) },
    // public/.keep makes sure that the folder that Go embeds is never empty.
    build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 700 },
  };
});
