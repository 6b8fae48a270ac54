import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vite';
import base from '../../vite.config';
import { mockBackend } from './plugin';

/** The pages against a mock of the mesh. */
export default mergeConfig(
  { ...base, server: {} },
  defineConfig({ root: fileURLToPath(new URL('../..', import.meta.url)), plugins: [mockBackend()] }),
);
