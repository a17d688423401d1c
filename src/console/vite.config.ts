import { defineConfig } from 'vite'

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
    license: { fileName: 'licenses.md' },
  },
  logLevel: 'warn',
})
