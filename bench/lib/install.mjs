// Set-up before the bench: its own packages from its own lock file, the peer that ships sources only, and the product
// built.
import { existsSync } from 'node:fs'
import { path } from '../../scripts/process.mjs'
import { buildNative, compile, installIn, install as installProduct, nodeGyp } from '../../scripts/setup.mjs'

const YARDSTICK_FOLDER = 'bench/node_modules/hnswlib-node'

export function installPeers({ yardstick }) {
  installIn('bench', 'installing peers and data sets of the bench from its lock file')
  if (yardstick && !existsSync(path(YARDSTICK_FOLDER, 'build/Release/addon.node'))) {
    nodeGyp('building hnswlib-node', YARDSTICK_FOLDER, ['rebuild', '--release', '-j', '2'])
  }
}

export function prepareProduct() {
  installProduct()
  buildNative()
  compile()
}
