// hnswlib-node: the bench's own where it has been built, or else the one that tests have as their oracle. An install of
// the bench's packages, which another process may have under way, brings its sources alone.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { path } from '../../scripts/process.mjs'
import { BENCH } from './datasets.mjs'

const isBuilt = (folder) => existsSync(join(folder, 'node_modules/hnswlib-node/build/Release/addon.node'))

export const hnswlib = createRequire(join(isBuilt(BENCH) ? BENCH : path('.'), 'package.json'))('hnswlib-node')
