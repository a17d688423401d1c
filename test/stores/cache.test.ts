import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe } from 'vitest'
import { boundedCachesOn, damagedCachesOn } from './cache.contract.js'

const address = (root: string) => pathToFileURL(join(root, 'bucket', 'prefix')).href

describe('the cache of a file store', () => boundedCachesOn(address))
describe('damage below a file store', () => damagedCachesOn(address))
