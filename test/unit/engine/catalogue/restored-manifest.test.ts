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

const RULE = { check: 'norm', max: 2, action: 'quarantine', name: 'norm' } as const
const RULED = resolveConfig({ vectors: { size: 2, distance: 'Dot' }, ingestion: { quarantine: 'q', rules: [RULE] } })
const rows = (count: number) => Buffer.alloc(count * 16).toString('base64')
const DAY = { day: '2026-01-01', accepted: 1, rejected: 0, quarantined: 0, fixed: 0, flagged: 0, byRule: { norm: 1 } }
const INGESTED: Manifest = {
  ...SOUND,
  config: RULED,
  sources: [
    { name: 'a', position: 7 },
    { name: 'b', position: 9, recent: { vectors: [''], rows: rows(3) } },
  ],
  ruleCounts: [DAY],
  qualityReference: { filter: { must: [{ key: 'a', match: { value: 1 } }] } },
}

it('a manifest from outside may have rules, sources, counts and a reference', () => {
  expect(() => checkRestoredManifest(structuredClone(INGESTED))).not.toThrow()
  expect(() => checkRestoredManifest({ ...INGESTED, qualityReference: { operationId: 0 } })).not.toThrow()
  const dropped = { quarantine: 'q', rules: [{ ...RULE, vector: 'dropped' }] }
  expect(() => checkRestoredManifest({ ...INGESTED, config: { ...RULED, ingestion: dropped } })).not.toThrow()
})

it.each<[string, object]>([
  ['an unknown check', { rules: [{ ...RULE, check: 'size' }] }],
  ['a rule without a name', { rules: [{ ...RULE, name: undefined }] }],
  ['a rule without bounds', { rules: [{ ...RULE, max: undefined }] }],
  ['no quarantine', { quarantine: undefined }],
  ['a quarantine that is the collection', { quarantine: 'photos' }],
  ['no rules', { rules: null }],
])('a manifest from outside whose ingestion has %s is refused', (_what, change) => {
  const ingestion = { ...RULED.ingestion, ...change } as never
  const manifest = JSON.parse(JSON.stringify({ ...INGESTED, config: { ...RULED, ingestion } })) as Manifest
  expect(() => checkRestoredManifest(manifest)).toThrow('the snapshot is damaged: its manifest')
})

it.each<object>([
  { sources: {} },
  { sources: [{ name: 'a', position: -1 }] },
  { sources: [{ name: 1, position: 1 }] },
  { sources: [{ name: 'a', position: 1, recent: { vectors: [1], rows: '' } }] },
  { sources: [{ name: 'a', position: 1, recent: { vectors: [''], rows: 'AAAA' } }] },
  { sources: [{ name: 'a', position: 1, recent: { vectors: [''], rows: rows(LIMITS.keptWindowRows * 3) } }] },
  { sources: Array(LIMITS.ingestSources + 1).fill({ name: 'a', position: 1 }) },
  { ruleCounts: [{ ...DAY, day: 'today' }] },
  { ruleCounts: [{ ...DAY, accepted: -1 }] },
  { ruleCounts: [{ ...DAY, byRule: { norm: 'x' } }] },
  { ruleCounts: Array(LIMITS.ruleCountDays + 1).fill(DAY) },
  { qualityReference: { operationId: 'x' } },
  { qualityReference: 7 },
])('a manifest from outside is refused for what it says of streams and quality, case %#', (change) => {
  const manifest = { ...structuredClone(INGESTED), ...change } as Manifest
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
