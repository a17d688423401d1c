import { expect, it } from 'vitest'
import { LIMITS } from '../../../../src/core/limits.js'
import { checkRestoredManifest } from '../../../../src/engine/catalogue/restored-manifest.js'
import { resolveConfig } from '../../../../src/engine/config/schema.js'
import type { Manifest } from '../../../../src/storage/manifest.js'
import { type LayoutVector, layoutOf, withoutVector, withVector } from '../../../../src/storage/table-layout.js'

const SOUND: Manifest = {
  uuid: '6a2f3c1d-1111-4222-8333-944455556666',
  name: 'photos',
  config: resolveConfig({ vectors: { size: 2, distance: 'Dot' } }),
  payloadIndexes: [],
  tableVersion: 0,
  flushedSeq: 0,
  checkpointSeq: 0,
  segments: [],
  cleanEnd: null,
  createdAt: '2026-01-01T00:00:00.000Z',
}

it('a manifest from outside is accepted if it is valid', () => {
  expect(() => checkRestoredManifest(structuredClone(SOUND))).not.toThrow()
})

it.each([
  // Its `replaces` is removed at the next open.
  { replaces: 'x/../../victim' },
  { replaces: '6a2f3c1d-1111-4222-8333-944455556667' },
  { uuid: '../x' },
  { flushedSeq: -1 },
  { name: '' },
  { segments: [{ file: '../s', bytes: 1, crc: 1, overlay: null }] },
])('a manifest from outside with %j is refused', (change) => {
  const manifest = { ...structuredClone(SOUND), ...change } as Manifest
  expect(() => checkRestoredManifest(manifest)).toThrow('the snapshot is damaged: its manifest')
})

const LAYOUT = withVector(
  withoutVector(withVector(layoutOf(SOUND), { name: 'a', size: 3 }, 1), 1),
  { name: 'b', size: 2 },
  5,
)
const both = [...SOUND.config.vectors, { ...SOUND.config.vectors[0], name: 'b' }] as Manifest['config']['vectors']
const CHANGED: Manifest = { ...SOUND, config: { ...SOUND.config, vectors: both }, layout: LAYOUT }

it('a manifest from outside may contain dropped vectors', () => {
  expect(() => checkRestoredManifest(structuredClone(CHANGED))).not.toThrow()
  const nothing = { ...SOUND, config: { ...SOUND.config, vectors: [] }, layout: withoutVector(layoutOf(SOUND), 0) }
  expect(() => checkRestoredManifest(nothing)).not.toThrow()
})

it.each<[what: string, change: (vectors: LayoutVector[]) => unknown]>([
  ['has too few vectors', (vectors) => vectors.pop()],
  ['has other vectors', (vectors) => Object.assign(vectors[2] as object, { size: 4 })],
  ['has a slot twice', (vectors) => Object.assign(vectors[2] as object, { slot: 0 })],
  ['has a slot of tomorrow', (vectors) => Object.assign(vectors[2] as object, { slot: 9 })],
  ['has a suffix that is a path', (vectors) => Object.assign(vectors[2] as object, { columnSuffix: '../x' })],
  ['began before the beginning', (vectors) => Object.assign(vectors[2] as object, { since: -1 })],
])('a manifest from outside whose layout %s is refused', (_what, change) => {
  const manifest = structuredClone(CHANGED)
  change(manifest.layout?.vectors as LayoutVector[])
  expect(() => checkRestoredManifest(manifest)).toThrow('the snapshot is damaged: its manifest')
})

it.each([LIMITS.tableVectors, LIMITS.tableVectors + 1])('a layout of %d vectors, most of them dropped', (count) => {
  let layout = layoutOf(SOUND)
  for (let slot = 1; slot < count; slot++) layout = withoutVector(withVector(layout, { name: 'a', size: 3 }, 1), slot)
  expect(layout.vectors).toHaveLength(count)
  const check = () => checkRestoredManifest({ ...SOUND, layout })
  if (count <= LIMITS.tableVectors) expect(check).not.toThrow()
  else expect(check).toThrow('its layout')
})
