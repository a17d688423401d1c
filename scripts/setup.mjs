// The set-up: packages from the lock file, the native addon, the compiled TypeScript. Each step is skipped
// when its inputs are those of its last success.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fail, filesBelow, hashOf, isFolder, npm, path, run, stampIs, writeStamp } from './process.mjs'

export function install() {
  if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node 20 or newer is needed, this is ${process.version}`)
  installIn('.', 'installing packages from the lock file')
}

/** Clients of others, which only tests need. Their many packages have their own folder, which spares users the wait. */
export function installClients() {
  installIn('test/clients', 'installing the clients that the tests run')
}

/** `npm ci` in a folder with a lock file of its own. */
export function installIn(folder, what) {
  if (isInstalled(folder)) return
  // Development packages even where NODE_ENV says production: the build needs them.
  const flags = ['--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const [command, args] = npm(['ci', ...flags])
  run(what, command, args, { cwd: path(folder) })
}

/**
 * Whether node_modules holds what the lock file names. npm writes what it installed to a hidden lock file;
 * packages for other platforms are missing there and may be.
 */
function isInstalled(folder) {
  const installed = path(folder, 'node_modules/.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = JSON.parse(readFileSync(path(folder, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true
    return present[name] ? present[name].version === entry.version : entry.optional === true
  })
}

export const ADDON = 'native/build/Release/vicinal.node'
const NATIVE_STAMP = 'native/build/vicinal.stamp'

export function buildNative() {
  const sources = filesBelow('native', (file) => !/^native\/(build|libstemmer|test)\//.test(file))
  sources.push('node_modules/node-snowball/package.json')
  const strict = warningFlags()
  const stamp = hashOf(sources, process.platform, process.arch, ...strict)
  if (existsSync(path(ADDON)) && stampIs(NATIVE_STAMP, stamp)) return
  // With the C++ runtime linked in, so that the same file is the prebuilt one.
  const environment = process.platform === 'linux' ? { LDFLAGS: '-static-libstdc++ -static-libgcc' } : {}
  nodeGyp(
    'building the native kernel',
    path('native'),
    ['configure', 'build', '--release', '-j', '2', ...strict],
    environment,
  )
  writeStamp(NATIVE_STAMP, stamp)
}

/** In a git checkout, which is where we and CI work, a warning of the compiler is an error. */
function warningFlags() {
  return existsSync(path('.git')) ? ['--warnings_as_errors=1'] : []
}

/** hnswlib-node is the yardstick of the recall tests; its package ships sources only. */
export function buildOracle() {
  const folder = 'node_modules/hnswlib-node'
  if (existsSync(path(folder, 'build/Release/addon.node'))) return
  nodeGyp('building hnswlib-node, the oracle of the recall tests', path(folder), ['rebuild', '--release', '-j', '2'])
}

/** node-gyp with the headers that came with this Node, so that nothing is downloaded. */
export function nodeGyp(what, folder, args, environment = {}) {
  const nodedir = nodeHeaders()
  const flags = nodedir ? [`--nodedir=${nodedir}`] : []
  run(
    what,
    process.execPath,
    [path('node_modules/node-gyp/bin/node-gyp.js'), '-C', folder, '--loglevel=error', ...args, ...flags],
    {
      env: { ...process.env, ...environment },
    },
  )
}

function nodeHeaders() {
  const prefixes = [dirname(dirname(process.execPath)), process.config.variables.node_prefix, '/usr', '/usr/local']
  return prefixes.find((prefix) => prefix && existsSync(join(prefix, 'include/node/node_api.h')))
}

const BUILD_STAMP = 'dist/.stamp'

export function compile() {
  const stamp = hashOf([
    ...filesBelow('src'),
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    'package-lock.json',
  ])
  if (stampIs(BUILD_STAMP, stamp)) return
  // Into a folder of its own, swapped in when complete: a process that runs from dist/ never sees half of it.
  mkdirSync(path('.cache'), { recursive: true })
  const fresh = mkdtempSync(path('.cache/dist-'))
  const tsc = path('node_modules/typescript/bin/tsc')
  run('compiling TypeScript', process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh])
  const vite = path('node_modules/vite/bin/vite.js')
  run('building the console', process.execPath, [
    vite,
    'build',
    path('src/console'),
    '--outDir',
    join(fresh, 'console'),
  ])
  // Temporary folders are for their owner only; the package is for every user of the machine.
  chmodSync(fresh, 0o755)
  const old = `${fresh}-old`
  if (isFolder('dist')) renameSync(path('dist'), old)
  renameSync(fresh, path('dist'))
  rmSync(old, { recursive: true, force: true })
  writeStamp(BUILD_STAMP, stamp)
}
