import { defineConfig } from 'vite'

const LEAN = { treeshake: { moduleSideEffects: [{ test: /embedding-atlas/, sideEffects: false }] } }

export default defineConfig({
  root: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  // Relative, so that the console also works behind a path of a proxy.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    emptyOutDir: true,
    target: 'es2022',
    // A picture inside a style sheet would be a data URI, which the policy of the page refuses.
    assetsInlineLimit: 0,
    modulePreload: false,
    // The whole of embedding-atlas is one entry; only its clusters are wanted.
    rolldownOptions: LEAN,
    license: { fileName: 'licenses.md' },
  },
  worker: { format: 'es', rolldownOptions: LEAN },
  logLevel: 'warn',
})
