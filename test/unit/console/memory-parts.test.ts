/** The parts of a collection in memory, as the console sums them up. */
import { expect, it } from 'vitest'
import { partsOf, residentByKind, sizeOf } from '../../../src/console/service/memory-parts.js'
import type { CollectionInfo } from '../../../src/console/service/types.js'

const part = (bytes: number, resident: number, cache = 0) => ({
  bytes,
  resident_bytes: resident,
  cache_bytes: cache,
})
const MEMORY: CollectionInfo['memory'] = {
  vectors: {
    image: { vectors: part(100, 80, 80), codes: part(0, 0), graph: part(30, 30), in_files_bytes: 7 },
    text: { vectors: part(50, 50), codes: part(10, 10), graph: part(20, 20), in_files_bytes: 0 },
    cold: { vectors: part(0, 8, 8), codes: part(0, 0), graph: part(0, 0), in_files_bytes: 400 },
  },
  ids: part(5, 5),
  payload: part(200, 120, 60),
  payload_indexes: part(4, 0),
  overlays: part(3, 3),
  log_buffers: part(2, 2),
  total: part(424, 328, 148),
  process: { resident_bytes: 999, limit_bytes: null },
}

it('pages of files are counted once: the parts sum up to the total', () => {
  const sum = partsOf(MEMORY).reduce((all, { resident }) => all + resident, 0)
  expect(sum).toBe(MEMORY.total.resident_bytes)
})

it('parts stand by what is in memory now, with their sizes in memory or in files', () => {
  const told = partsOf(MEMORY).map(({ name, resident, bytes }) => [name, resident, bytes])
  expect(told.slice(0, 3)).toEqual([
    ['payload', 120, 200],
    ['vectors of image', 80, 107],
    ['vectors of text', 50, 50],
  ])
  expect(told).toContainEqual(['vectors of cold', 8, 400])
  expect(sizeOf(MEMORY)).toBe(MEMORY.total.bytes + 407)
})

it('kinds are the sums over the vectors, the largest first', () => {
  expect(residentByKind(MEMORY)).toEqual([
    ['vectors', 138],
    ['payload', 120],
    ['graph', 50],
    ['codes', 10],
    ['ids', 5],
    ['the rest', 5],
  ])
})
