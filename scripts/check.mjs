// The static checks: format and lint (Biome), types (tsc), layers and cycles, file sizes and names, paths and links of
// docs, a command for each test, waits in tests; and apart from them the format of the kernel, for which clang-format is needed.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { findings as docFindings } from './check-docs.mjs'
import { isNativeSource, findings as layerFindings } from './check-layers.mjs'
import { findings as waitFindings } from './check-waits.mjs'
import { took } from './durations.mjs'
import { execute } from './native-run.mjs'
import { filesBelow, path, ROOT, say } from './process.mjs'
import { findings as suiteFindings } from './suites.mjs'
import { has } from './tools.mjs'

const MAX_LINES = { ts: 400, tsx: 400, css: 400, mjs: 400, cpp: 600, hpp: 600, h: 600, cc: 600 }
const DRAWERS = /^(utils?|helpers?|common|misc)\.(ts|mjs|hpp|cpp)$/

export const check = () => partOf('check', CHECKS)

/** Skipped where clang-format is missing. */
export const checkKernelFormat = () => partOf('check of the kernel', [['C++ format', clangFormat]])

async function partOf(title, checks) {
  const part = { name: title, passed: 0, failed: 0, skipped: 0, skippedSuites: [] }
  for (const [name, findings] of checks) {
    const started = performance.now()
    const found = await findings()
    took(`check ${name}`, (performance.now() - started) / 1000)
    if (found === null) {
      part.skipped++
      part.skippedSuites.push(name)
      say(`check ${name}: skipped, the tool is not on this machine`)
      continue
    }
    for (const line of found) process.stderr.write(`${line}\n`)
    say(`check ${name}: ${found.length === 0 ? 'ok' : 'FAILED'}`)
    part[found.length === 0 ? 'passed' : 'failed']++
  }
  return part
}

const CHECKS = [
  ['format and lint', () => tool('node_modules/@biomejs/biome/bin/biome', ['check', '--max-diagnostics=50'])],
  ['types', () => tool('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json'])],
  ['types of the console', () => tool('node_modules/typescript/bin/tsc', ['-p', 'src/console/tsconfig.json'])],
  ['layers and cycles', layerFindings],
  ['file sizes and names', sizeFindings],
  ['paths and links of docs', docFindings],
  ['commands of tests', suiteFindings],
  ['waits in tests', waitFindings],
]

/** Runs a Node tool; its output is the finding. */
async function tool(script, args) {
  const child = await execute(process.execPath, [path(script), ...args], { cwd: ROOT })
  return child.status === 0 ? [] : [child.output.trim() || `${script} failed`]
}

function sizeFindings() {
  const found = []
  for (const folder of ['src', 'test', 'scripts', 'bench', 'native']) {
    for (const file of filesBelow(folder, (name) => !name.startsWith('native/build/'))) {
      if (DRAWERS.test(basename(file))) found.push(`${file}: say what is in it; such names become drawers for the rest`)
      const limit = MAX_LINES[file.slice(file.lastIndexOf('.') + 1)]
      if (!limit) continue
      const lines = readFileSync(path(file), 'utf8').split('\n').length - 1
      if (lines > limit) found.push(`${file}: ${lines} lines, at most ${limit}`)
    }
  }
  return found
}

function clangFormat() {
  if (!has('clang-format')) return null
  const files = filesBelow('native', isNativeSource)
  if (files.length === 0) return []
  const child = spawnSync('clang-format', ['--dry-run', '-Werror', ...files], { cwd: ROOT, encoding: 'utf8' })
  return child.status === 0 ? [] : [child.stderr]
}
