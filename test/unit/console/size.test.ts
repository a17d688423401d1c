import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { REPOSITORY } from '../../durability/child.js'

const FOLDER = join(REPOSITORY, 'dist/console')
const MOST_BYTES = 600_000
/** Loaded once a map is opened. */
const OF_MAP = /^assets\/(map|projection\.worker)-[\w-]+\.js$/

it('the files of the console without its map have at most 600 KB, gzipped', () => {
  const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const named = files.map((file) => ({ file, name: file.slice(FOLDER.length + 1).replaceAll('\\', '/') }))
  // The page, its script and its style, and the two files of the map.
  expect(named.length).toBeGreaterThanOrEqual(5)
  expect(named.filter(({ name }) => OF_MAP.test(name))).toHaveLength(2)
  const first = named.filter(({ name }) => !OF_MAP.test(name))
  const bytes = first.reduce((sum, { file }) => sum + gzipSync(readFileSync(file)).length, 0)
  expect(bytes, 'bytes, gzipped').toBeLessThanOrEqual(MOST_BYTES)
  expect(readFileSync(join(FOLDER, 'index.html'), 'utf8')).not.toMatch(/assets\/(map|projection)/)
})
