// Paths, child processes and hashes of the scripts. Imports no packages.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { took } from './durations.mjs'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
export const path = (...parts) => join(ROOT, ...parts)
export const say = (text) => process.stderr.write(`vicinal: ${text}\n`)

export function fail(text) {
  say(text)
  process.exit(1)
}

/** Runs a command with our output; ends the process when it fails, naming what was being done. */
export function run(what, command, args, options = {}) {
  const started = performance.now()
  say(what)
  const child = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options })
  if (child.error) fail(`${what}: ${child.error.message}`)
  if (child.status !== 0) fail(`${what}: ${command} ended with ${child.signal ?? `exit code ${child.status}`}`)
  const seconds = (performance.now() - started) / 1000
  took(what, seconds)
  say(`${what}: done in ${seconds.toFixed(1)} s`)
}

/** Runs a command to its end, beside others: { status, stdout }. A command that cannot start, or is killed, has the status null. */
export function ended(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, ...options })
    let stdout = ''
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    child.on('error', ({ message }) => {
      say(`${command}: ${message}`)
      resolve({ status: null, stdout })
    })
    child.on('close', (status) => resolve({ status, stdout }))
  })
}

/** The output of a command; ends the process when it fails, and names the step. */
export function outputOf(what, command, args, options = {}) {
  const child = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 2], maxBuffer: 1 << 28, ...options })
  if (child.error) fail(`${what}: ${child.error.message}`)
  if (child.status !== 0) fail(`${what}: ${command} ended with ${child.signal ?? `exit code ${child.status}`}`)
  return child.stdout
}

/** npm by the copy that runs us (no PATH needed), or by name. */
export function npm(args) {
  const own = process.env.npm_execpath
  if (own && /npm-cli\.js$/.test(own)) return [process.execPath, [own, ...args]]
  return ['npm', args]
}

/** Every file below a folder whose path passes, as sorted paths relative to the root. */
export function filesBelow(folder, passes = () => true) {
  const found = []
  const walk = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const full = join(at, entry.name)
      if (entry.name === 'node_modules' || entry.name.startsWith('.git')) continue
      if (entry.isDirectory()) walk(full)
      else if (passes(relative(ROOT, full))) found.push(relative(ROOT, full))
    }
  }
  if (existsSync(path(folder))) walk(path(folder))
  return found.sort()
}

/** One hash over the names and contents of files, and over other facts that decide the result. */
export function hashOf(files, ...facts) {
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(path(file)))
      .update('\0')
  return hash.update(facts.join('\0')).digest('hex')
}

export const stampIs = (file, value) => existsSync(path(file)) && readFileSync(path(file), 'utf8') === value

export function writeStamp(file, value) {
  mkdirSync(dirname(path(file)), { recursive: true })
  writeFileSync(path(file), value)
}

export const isFolder = (name) => statSync(path(name), { throwIfNoEntry: false })?.isDirectory() ?? false
