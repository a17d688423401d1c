import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { memoryMaps } from '../../../../src/disk/process-bounds.js'
import { open } from '../../../../src/engine/database/open.js'
import { MapRoom } from '../../../../src/engine/memory/map-room.js'
import { Shard } from '../../../../src/native/shard.js'
import { sequence, spec, texts } from '../../native/shard-data.js'

const MOST = 3_200 // a 32nd of it is kept as a margin

function room(used: number) {
  const state = { used, counts: 0, nowMs: 0 }
  const count = async () => {
    state.counts++
    return { used: state.used, most: MOST }
  }
  return { state, maps: new MapRoom({ nowMs: () => state.nowMs, count }) }
}

test('work that takes maps is admitted up to the bound less a margin', async () => {
  const { maps, state } = room(3_000)
  await maps.admit('a collection', 60)
  await maps.admit('a collection', 40)
  // It counts again before it refuses, because admitted maps may be counted by now, or be gone.
  expect(state.counts).toBe(1)
  state.used = 3_100
  const refused = maps.admit('a collection', 40)
  await expect(refused).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringMatching(
      /^vm\.max_map_count of 3200 .* 3100 memory maps, and a collection takes about 40; raise it/,
    ),
    details: { field: 'vm.max_map_count', bound: MOST, seen: 3_140 },
  })
  expect(state.counts).toBe(2)
})

test('of many refused callers few count', async () => {
  const { maps, state } = room(MOST)
  for (let at = 0; at < 10; at++) await expect(maps.admit('a collection', 40)).rejects.toThrow('vm.max_map_count')
  expect(state.counts).toBe(1)
  state.nowMs = 1_001
  state.used = 100
  await maps.admit('a collection', 40)
  expect(state.counts).toBe(2)
})

test('before a refusal the collections unused for longest are closed, a share at a time', async () => {
  const state = { used: MOST, open: 40, closed: [] as number[] }
  const maps = new MapRoom(
    { nowMs: () => 0, count: async () => ({ used: state.used, most: MOST }) },
    {
      get count() {
        return state.open
      },
      closeUntil: async (isEnough) => {
        let closed = 0
        for (; state.open > 0 && !isEnough(closed); closed++) {
          state.open--
          state.used -= 10
        }
        state.closed.push(closed)
        return closed
      },
    },
  )
  await maps.admit('a collection', 40)
  // A 32nd of 3,200 is kept, so 140 maps are needed: fourteen collections.
  expect(state.closed).toEqual([3, 3, 3, 2, 2, 2])
  await expect(maps.admit('a collection', 1_000)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' })
  expect(state.open).toBe(0)
})

test('a system without such a limit refuses nothing', async () => {
  const maps = new MapRoom({ nowMs: () => 0, count: async () => null })
  await maps.admit('a collection', 1_000_000)
})

const limit = (await memoryMaps())?.most ?? Number.POSITIVE_INFINITY
/** With a greater bound the test would take long to use up all maps. */
test.skipIf(limit > 100_000)(
  'if the process has nearly used up its maps, collections are refused before anything is written',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vicinal-maps-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const database = await open(folder)
    onTestFinished(() => database.close())
    const config = { vectors: { size: 4, distance: 'Dot' } } as const
    const point = (id: number) => [{ id, vector: [1, 0, 0, 0], payload: { a: id } }]
    const used = await database.createCollection('used', config)
    await used.upsert(point(1))
    const empty = await database.createCollection('empty', config)

    // A collection in use is not closed to make room for others.
    let end = () => {}
    const inUse = used.upsert(
      (async function* () {
        await new Promise<void>((resolve) => {
          end = resolve
        })
        yield* point(3)
      })(),
    )
    const shards: Shard[] = []
    const closeAll = () => Promise.all(shards.splice(0).map((shard) => shard.close()))
    onTestFinished(async () => void (await closeAll()))
    while (((await memoryMaps())?.used ?? 0) < limit * 0.9685) {
      for (let at = 0; at < 5; at++) {
        const shard = new Shard(spec(4))
        shards.push(shard)
        await shard.upsert({
          ids: sequence(0, 1),
          seq: 1,
          vectors: [{ vector: 0, data: Float32Array.of(1, 0, 0, 0), rows: null }],
          payloads: texts([{}]),
        })
      }
    }
    const isRefused = { code: 'RESOURCE_EXHAUSTED', message: expect.stringContaining(`vm.max_map_count of ${limit}`) }
    let tried = 0
    const refused = async () =>
      await database.createCollection(`next-${tried++}`, config).then(
        () => null,
        (error) => error,
      )
    await expect.poll(refused).toMatchObject(isRefused)
    expect(await database.hasCollection(`next-${tried - 1}`)).toBe(false)
    await expect(empty.upsert(point(1))).rejects.toMatchObject(isRefused)
    await expect(used.createVectorName('more', { dense: { size: 4, distance: 'Dot' } })).rejects.toMatchObject(
      isRefused,
    )
    // Collections that have their maps go on.
    await used.upsert(point(2))
    expect(await used.count()).toBe(2)
    end()
    await inUse
    await closeAll()
    await expect
      .poll(
        async () =>
          await database.createCollection('next', config).then(
            () => 'made',
            () => 'refused',
          ),
      )
      .toBe('made')
    await empty.upsert(point(1))
  },
)
