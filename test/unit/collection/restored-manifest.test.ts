import { expect, it } from 'vitest'
import { checkRestoredManifest } from '../../../src/collection/restored-manifest.js'
import { resolveConfig } from '../../../src/collection/schema.js'
import type { Manifest } from '../../../src/storage/manifest.js'

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

it('a manifest from outside is taken where it is one of ours', () => {
  expect(() => checkRestoredManifest(structuredClone(SOUND))).not.toThrow()
})

it.each([
  // What it names is removed at the next open.
  { replaces: 'x/../../victim' },
  { replaces: '6a2f3c1d-1111-4222-8333-944455556667' },
  { uuid: '../x' },
  { flushedSeq: -1 },
  { name: '' },
  { segments: [{ file: '../s', bytes: 1, crc: 1, overlay: null }] },
])('a manifest from outside that says %j is refused', (change) => {
  const manifest = { ...structuredClone(SOUND), ...change } as Manifest
  expect(() => checkRestoredManifest(manifest)).toThrow('the snapshot is damaged: its manifest')
})
