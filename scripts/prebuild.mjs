// Makes the parts of the package beyond compiled TypeScript: the kernel for this platform, the sources of its stemmers, the server
// framework with its own dependencies, and the list of all components (SBOM).
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { LIBSTEMMER, PACKED_LIBSTEMMER, stemmerFiles } from '../native/stemmers.mjs'
import { npm, outputOf, path, run, say } from './process.mjs'
import { ADDON, buildNative } from './setup.mjs'
import { has } from './tools.mjs'

/**
 * Shipped inside the package: one of its dependencies asks for ranges whose newest versions refuse Node 20, and
 * overrides in our package.json hold in this repository alone.
 */
const BUNDLED = 'fastify'
/** Its stemmers are compiled into the kernel; none of its dependencies are in the package. */
const COMPILED_IN = 'node-snowball'
/** Files of the bundled packages that no program loads. */
const UNUSED_FOLDERS = new Set(['.github', 'benchmark', 'benchmarks', 'docs', 'example', 'examples', 'test', 'tests'])
const SBOM = 'sbom.cdx.json'

export function prebuild() {
  prebuildKernel()
  copyStemmers()
  bundle()
  listComponents()
}

/** With the C++ runtime linked in, so that it runs where another is installed. */
function prebuildKernel() {
  buildNative()
  // The name that src/native/load.ts looks for.
  const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime
  const folder = `prebuilds/${process.platform}-${process.arch}${isMusl ? '-musl' : ''}`
  mkdirSync(path(folder), { recursive: true })
  const target = `${folder}/vicinal.node`
  copyFileSync(path(ADDON), path(target))
  if (process.platform === 'linux' && has('strip'))
    run('stripping the prebuilt kernel', 'strip', ['--strip-unneeded', path(target)])
  say(`prebuilt kernel in ${target}`)
}

/** With their licence, so that the kernel compiles from the package alone. */
function copyStemmers() {
  const target = path('native', PACKED_LIBSTEMMER)
  rmSync(target, { recursive: true, force: true })
  for (const file of stemmerFiles()) cpSync(path('native', LIBSTEMMER, file), join(target, file))
}

/** Copies the bundled package and all that it requires to dist/node_modules, where dist/ finds it first. */
function bundle() {
  const lock = JSON.parse(readFileSync(path('package-lock.json'), 'utf8')).packages
  const target = path('dist/node_modules')
  rmSync(target, { recursive: true, force: true })
  const folders = closureOf(`node_modules/${BUNDLED}`, lock)
  for (const folder of folders) {
    cpSync(path(folder), join(target, folder.slice('node_modules/'.length)), {
      recursive: true,
      filter: (source) => !UNUSED_FOLDERS.has(basename(source)) && !isNested(source, folder),
    })
  }
  say(`bundled ${BUNDLED} with ${folders.size - 1} packages that it requires`)
}

/** Folders of a package and of all that it requires, as the lock file has them. */
function closureOf(start, lock) {
  const found = new Set()
  const waiting = [start]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue
    found.add(folder)
    for (const name of Object.keys(lock[folder].dependencies ?? {})) waiting.push(resolved(name, folder, lock))
  }
  return found
}

/** The folder that Node finds when a file of `folder` requires `name`. */
function resolved(name, folder, lock) {
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (lock[candidate]) return candidate
    if (at === '') throw new Error(`package-lock.json: ${folder} requires ${name}, which it does not list`)
  }
}

/** Packages inside a package are copied on their own where they are required. */
function isNested(source, folder) {
  return source.startsWith(path(folder, 'node_modules'))
}

/** A CycloneDX list of everything that the package runs with, with the bundled and the compiled parts. */
function listComponents() {
  const folder = mkdtempSync(path('.cache/sbom-'))
  try {
    const { devDependencies, dependencies, ...manifest } = JSON.parse(readFileSync(path('package.json'), 'utf8'))
    const shipped = { ...dependencies }
    for (const name of [BUNDLED, COMPILED_IN]) shipped[name] = devDependencies[name]
    const lock = JSON.parse(readFileSync(path('package-lock.json'), 'utf8'))
    delete lock.packages[`node_modules/${COMPILED_IN}`].dependencies
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies: shipped }))
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
    // First without the packages of development: the command's own flag leaves out those that serve both.
    const flags = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    runNpm('listing components', ['install', ...flags], folder)
    writeFileSync(path(SBOM), runNpm('listing components', ['sbom', '--sbom-format=cyclonedx', ...flags], folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  say(`components listed in ${SBOM}`)
}

function runNpm(what, given, cwd) {
  const [command, args] = npm(given)
  return outputOf(what, command, args, { cwd })
}
