// What the bench needs before it starts: its own packages from its own lock file, the peer that ships sources only,
// and the product built.
import { existsSync, readFileSync } from 'node:fs'
import { npm, path, run } from '../../scripts/process.mjs'
import { buildNative, compile, install as installProduct, nodeGyp } from '../../scripts/setup.mjs'

const YARDSTICK_FOLDER = 'bench/node_modules/hnswlib-node'

export function installPeers() {
  if (!isInstalled()) {
    const [command, args] = npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
    run('installing peers and data sets of the bench from its lock file', command, args, { cwd: path('bench') })
  }
  if (!existsSync(path(YARDSTICK_FOLDER, 'build/Release/addon.node'))) {
    nodeGyp('building hnswlib-node', YARDSTICK_FOLDER, ['rebuild', '--release', '-j', '2'])
  }
}

export function prepareProduct() {
  installProduct()
  buildNative()
  compile()
}

function isInstalled() {
  const present = 'bench/node_modules/.package-lock.json'
  if (!existsSync(path(present))) return false
  const read = (file) => JSON.parse(readFileSync(path(file), 'utf8')).packages
  const installed = read(present)
  return Object.entries(read('bench/package-lock.json')).every(
    ([name, entry]) => name === '' || entry.optional || installed[name]?.version === entry.version,
  )
}
