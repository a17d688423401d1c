import { expect, test } from 'vitest'
// @ts-expect-error: a script without types
import { cycles, fileOf, importsOf } from '../../scripts/check-layers.mjs'

test('imports of every form are seen, and texts and comments that look like imports are not', () => {
  const text = `
    import './style.css'
    import type { A } from './types'
    import {
      b,
    } from './plain.js'
    export * from './all.tsx'
    export type { C } from './exported'
    const d: import('./inline').D = await import('./late.js')
    import e = require('./required')
    const f = \`\${await import('./in-template')}\`
    // import './comment'
    const g = "import './text'"
  `
  expect(importsOf(text).sort()).toEqual([
    './all.tsx',
    './exported',
    './in-template',
    './inline',
    './late.js',
    './plain.js',
    './required',
    './style.css',
    './types',
  ])
})

test.each([
  ['src/a/b', 'src/a/b.ts'],
  ['src/a/b.js', 'src/a/b.ts'],
  ['src/a/page', 'src/a/page.tsx'],
  ['src/a/page.js', 'src/a/page.tsx'],
  ['src/a/page.tsx', 'src/a/page.tsx'],
  ['src/a/room', 'src/a/room/index.ts'],
  ['src/a/name.with.dots', 'src/a/name.with.dots.ts'],
  ['src/a/gone', undefined],
])('an import of %s means %s', (target, file) => {
  const files = new Set(['src/a/b.ts', 'src/a/page.tsx', 'src/a/room/index.ts', 'src/a/name.with.dots.ts'])
  expect(fileOf(target, (name: string) => files.has(name))).toBe(file)
})

test('a circle is told as the path that closes it', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ])
  expect(cycles(graph)).toEqual(['import cycle: b → c → b'])
})
