#!/usr/bin/env node
// The fault tests, so many times longer than in continuous integration:
//
//     node scripts/soak.mjs <kill | power-loss | io-errors | damage | model> [factor, default 20]
//
// A run prints its seed; VICINAL_TEST_SEED=<seed> repeats it.
import { existsSync } from 'node:fs'
import { fail, path, run } from './process.mjs'

const [name = '', factor = '20'] = process.argv.slice(2)
const test = `test/durability/${name}.test.ts`
if (!/^[a-z-]+$/.test(name) || !existsSync(path(test)) || !(Number(factor) > 0)) {
  fail('usage: node scripts/soak.mjs <kill | power-loss | io-errors | damage | model> [factor]')
}
run(`${name}, ${factor} times as long`, process.execPath, [path('node_modules/vitest/vitest.mjs'), 'run', test], {
  env: { ...process.env, NODE_ENV: 'test', VICINAL_SOAK: factor },
})
